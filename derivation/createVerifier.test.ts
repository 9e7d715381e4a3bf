import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createTestClient, type Hex, http } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { awaitMined } from '../contracts/awaitMined.ts'
import { keystorePortalAbi, outputOracleAbi } from '../contracts/index.ts'
import { createL1Client, createLogger, type L1Client } from '../node/index.ts'
import {
  type Block,
  encodeBatcherData,
  KEYSTORE_ADDRESS,
  type RollupConfig,
  toHex,
  ZERO_HASH,
} from '../protocol/index.ts'
import { createTestKeystore, type TestKeystore } from '../test/chainFixtures.ts'
import { blockToBatch, openTestNode, outputRootOf, type TestNode } from '../test/derivationWorld.ts'
import { type L1World, startL1World } from '../test/l1World.ts'
import { createVerifier, type Verifier } from './createVerifier.ts'

describe('a verifier on a real L1', { timeout: 120_000 }, () => {
  let world: L1World
  let rollup: RollupConfig
  let l1: L1Client
  let sequencer: TestNode
  let keystore: TestKeystore
  let forced: TestKeystore
  const blocks: Block[] = []
  let verifier: Verifier | undefined

  beforeAll(async () => {
    world = await startL1World({
      parameters: {
        challengePeriod: 1_000,
        minRecoveryDelay: 10,
        submissionInterval: 2n,
        permissionlessDelay: 10_000n,
        maxSequencerDrift: 600n,
        seqWindowSize: 200n,
      },
    })
    rollup = world.rollup
    l1 = createL1Client({ urls: [world.url] })
    sequencer = await openTestNode(rollup, l1)
    keystore = createTestKeystore(rollup, 'kept', 2)
    forced = createTestKeystore(rollup, 'forced', 1)
    const portal = { address: rollup.depositContractAddress, abi: keystorePortalAbi, chain: null } as const
    const data = toHex(forced.raws[0] as Uint8Array)
    const user = world.walletOf(world.accounts.user.privateKey)
    const hash = await user.writeContract({
      ...portal,
      functionName: 'depositTransaction',
      args: [KEYSTORE_ADDRESS, 0n, 1_000_000n, false, data],
    })
    await awaitMined(user, { hash })
    await createTestClient({ mode: 'anvil', transport: http(world.url) }).increaseTime({ seconds: 60 })
    for (let i = 0; i < 20; i++) {
      const block = await sequencer.build(i < 2 ? [keystore.raws[i] as Uint8Array] : [])
      if (block !== undefined) blocks.push(block)
    }
  }, 60_000)

  afterAll(async () => {
    await verifier?.close()
    await l1.close()
    await world.stop()
  })

  async function post(data: Uint8Array) {
    const batcher = world.walletOf(world.accounts.batcher.privateKey)
    const hash = await batcher.sendTransaction({
      to: rollup.batchInboxAddress,
      data: toHex(data),
      chain: null,
    })
    return (await awaitMined(batcher, { hash })).receipt
  }

  async function propose(block: Block, blockHash = block.hash) {
    const proposer = world.walletOf(world.accounts.proposer.privateKey)
    const { stateRoot, withdrawalsRoot, number } = block.header
    const hash = await proposer.writeContract({
      address: rollup.outputOracleAddress,
      abi: outputOracleAbi,
      functionName: 'proposeL2Output',
      args: [stateRoot, withdrawalsRoot, blockHash, number, ZERO_HASH, 0n],
      chain: null,
    })
    await awaitMined(proposer, { hash })
  }

  const start = async (dataDirectory: string) => {
    verifier = await createVerifier({
      rollup,
      dataDirectory,
      l1: { urls: [world.url] },
      rpc: { host: '127.0.0.1', port: 0 },
      logger: createLogger({ level: 'silent' }),
      version: 'keyroll/test',
      pollIntervalMs: 20,
    })
    return verifier
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>) {
    const deadline = performance.now() + 30_000
    while (!(await holds())) {
      if (performance.now() > deadline) expect.fail(`not in time: ${what}`)
      await wait(20)
    }
  }

  async function rpc<T>(url: string, method: string, params: readonly unknown[]): Promise<T> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
    const response = await fetch(url, { method: 'POST', body })
    return ((await response.json()) as { result: T }).result
  }

  it('rebuilds the chain from the L1 URL and the rollup config alone, serves it, and goes on after a restart', async () => {
    expect(blocks.length).toBe(20)
    expect(blocks.flatMap(({ transactions }) => transactions).filter((raw) => raw[0] === 0x7e)).toHaveLength(
      1,
    )
    await post(encodeBatcherData(blocks.slice(0, 10).map(blockToBatch)))
    await post(Uint8Array.of(0, 1, 2, 3))
    const dataDirectory = join(world.directory, 'chain')
    const first = await start(dataDirectory)
    await until('the first ten blocks', () => first.store.heads().safe.number === 10n)
    await first.close()

    await post(encodeBatcherData(blocks.slice(10).map(blockToBatch)))
    const { url, store, derivation } = await start(dataDirectory)
    await until('all blocks', () => store.heads().safe.number === 20n)
    expect(store.heads().safe.hash).toBe(blocks.at(-1)?.hash)
    await until('readiness', async () => (await fetch(`${url}/readyz`)).status === 200)
    expect(derivation.failure()).toBeUndefined()

    expect(await rpc(url, 'eth_getBlockByNumber', ['safe', false])).toMatchObject({
      hash: blocks.at(-1)?.hash,
    })
    for (const { id, configs } of [keystore, forced]) {
      const config = await rpc<{ config: { nonce: Hex } }>(url, 'keyroll_getConfig', [id, 'latest'])
      expect(BigInt(config.config.nonce)).toBe(configs.at(-1)?.nonce)
    }
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/keyroll_derivation_dropped_total\{reason="MALFORMED_FRAME"\} 1/)

    // Two outputs, the second wrong.
    await propose(blocks[1] as Block)
    await propose(blocks[3] as Block, ZERO_HASH)
    await until('the alarm', () => derivation.wrongOutputs().length === 1)
    expect(derivation.wrongOutputs()).toMatchObject([
      { output: { index: 1n, l2BlockNumber: 4n }, expected: outputRootOf(blocks[3] as Block) },
    ])
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/keyroll_outputs_wrong 1/)

    // L1 takes the second batch and both outputs back, and gets the batch anew.
    const test = createTestClient({ mode: 'anvil', transport: http(world.url) })
    await test.request({ method: 'anvil_reorg', params: [3, []] } as never)
    await until('the reorganisation', () => store.heads().safe.number === 10n)
    await until('the outputs to go', () => derivation.wrongOutputs().length === 0)
    await post(encodeBatcherData(blocks.slice(10).map(blockToBatch)))
    await until('all blocks again', () => store.heads().safe.hash === blocks.at(-1)?.hash)
  })

  it('halts, says why and still answers when L1 is another chain', async () => {
    const other = await createVerifier({
      rollup: { ...rollup, l1ChainId: 901n },
      dataDirectory: ':memory:',
      l1: { urls: [world.url] },
      rpc: { host: '127.0.0.1', port: 0 },
      logger: createLogger({ level: 'silent' }),
      version: 'keyroll/test',
    })
    try {
      await expect(other.stopped).rejects.toThrow(/chain 900, expected 901/)
      const ready = await fetch(`${other.url}/readyz`)
      expect(ready.status).toBe(503)
      expect(await ready.text()).toContain('DERIVATION_HALTED')
      expect(await rpc(other.url, 'eth_blockNumber', [])).toBe('0x0')
    } finally {
      await other.close()
    }
  })
})
