import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { type Address, createWalletClient, type Hex, hexToBigInt, http, slice } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemConfigAbi } from '../contracts/index.ts'
import { rollupConfigToJson, toHex } from '../protocol/index.ts'
import {
  rpc,
  type SequencerWorld,
  type StatusJson,
  startSequencerWorld,
  until,
  untilReady,
} from '../test/sequencerWorld.ts'
import { createTestKeystore, type SignedSetConfig } from '../test/TestKeystore.ts'
import { createSequencer, type Sequencer } from './createSequencer.ts'
import type { SequencerOptions } from './SequencerOptions.ts'

describe('createSequencer', { timeout: 180_000 }, () => {
  let world: SequencerWorld
  let sequencer: Sequencer | undefined
  let child: ChildProcess | undefined

  // A chain for each test: a second database on one chain is rightly refused promises.
  beforeEach(async () => {
    world = await startSequencerWorld()
  }, 60_000)
  afterEach(async () => {
    child?.kill('SIGKILL')
    await sequencer?.close()
    sequencer = undefined
    await world.stop()
  })

  async function start(directory: string, changes: Partial<SequencerOptions> = {}): Promise<Sequencer> {
    sequencer = await createSequencer({ ...world.optionsFor(directory), ...changes })
    await untilReady(sequencer.url)
    return sequencer
  }
  let names = 0
  const newKeystore = () => createTestKeystore(world.rollup.l2ChainId, `sequencer ${names++}`)
  const send = (url: string, { raw }: SignedSetConfig) =>
    rpc<{ promise: { txHash: string } }>(url, 'keyroll_sendConfig', [toHex(raw)])
  const statusOf = (url: string, { hash }: SignedSetConfig) =>
    rpc<StatusJson>(url, 'keyroll_getStatus', [hash])

  it('brings a set-config from the promise to an output on L1, over a restart, with admin methods in between', async () => {
    const directory = await world.newDirectory()
    const { url } = await start(directory)
    const keystore = newKeystore()
    const first = keystore.update()
    const { promise } = await send(url, first)
    expect(promise.txHash).toBe(first.hash)
    const stages = new Set<string>()
    const proposed = await until(
      () => statusOf(url, first),
      ({ stage }) => {
        stages.add(stage)
        return stage === 'proposed' || stage === 'finalized'
      },
      60_000,
    )
    const order = ['pending', 'unsafe', 'safe', 'proposed', 'finalized']
    expect([...stages]).toEqual(order.filter((stage) => stages.has(stage)))
    expect(proposed).toMatchObject({ valid: true, promise: { txHash: first.hash } })
    expect(proposed.l1?.transactionHash).toMatch(/^0x/)
    await until(
      () => statusOf(url, first),
      ({ stage }) => stage === 'finalized',
    )

    // eth_sendRawTransaction, and refusals with code and reason.
    const second = keystore.update({ data: '0x02' })
    expect(await rpc(url, 'eth_sendRawTransaction', [toHex(second.raw)])).toBe(second.hash)
    const rival = keystore.update({ previous: first.config, data: '0x03' })
    await expect(send(url, rival)).rejects.toMatchObject({ code: -32003, data: { reason: 'CONFLICT' } })
    await expect(rpc(url, 'keyroll_sendConfig', ['0x4bc0'])).rejects.toMatchObject({
      code: -32003,
      data: { reason: 'UNDECODABLE', detail: 'MALFORMED' },
    })
    await expect(rpc(url, 'keyroll_sendConfig', ['zz'])).rejects.toMatchObject({ code: -32602 })
    await expect(rpc(url, 'admin_stopSequencer', [])).rejects.toMatchObject({ code: -32601 })

    // Admin methods, on their own port, with a token.
    const admin = sequencer?.adminUrl ?? ''
    await expect(rpc(admin, 'admin_sequencerActive', [])).rejects.toMatchObject({
      data: { reason: 'UNAUTHORIZED' },
    })
    expect(await rpc(admin, 'admin_sequencerActive', [], { token: 'secret' })).toBe(true)
    const head = await rpc<string>(admin, 'admin_stopSequencer', [], { token: 'secret' })
    await expect(send(url, newKeystore().update())).rejects.toMatchObject({
      data: { reason: 'SEQUENCER_INACTIVE' },
    })
    expect((await fetch(`${url}/readyz`)).status).toBe(503)
    expect(await rpc<{ hash: string }>(url, 'eth_getBlockByNumber', ['latest', false])).toMatchObject({
      hash: head,
    })
    const wrong = `0x${'00'.repeat(32)}`
    await expect(rpc(admin, 'admin_startSequencer', [wrong], { token: 'secret' })).rejects.toMatchObject({
      data: { reason: 'HEAD_MISMATCH' },
    })
    expect(await rpc(admin, 'admin_startSequencer', [head], { token: 'secret' })).toBe(null)
    await until(
      () => rpc<{ hash: string }>(url, 'eth_getBlockByNumber', ['latest', false]),
      ({ hash }) => hash !== head,
    )
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/keyroll_pool_submissions_total\{outcome="PROMISED"\} 2/)
    expect(metrics).toMatch(/keyroll_sequencer_may_promise 1/)

    // A restart: nothing is forgotten, and blocks go on.
    const third = keystore.update({ previous: second.config, data: '0x04' })
    await send(url, third)
    await sequencer?.close()
    const again = await start(directory)
    const safe = await until(
      () => statusOf(again.url, third),
      ({ stage }) => stage === 'safe' || stage === 'proposed' || stage === 'finalized',
      60_000,
    )
    expect(safe).toMatchObject({ valid: true, promise: { txHash: third.hash } })
    await sequencer?.close()

    // Another database on the same chain: it follows, and builds, but promises nothing in the old signer's name.
    sequencer = await createSequencer(world.optionsFor(await world.newDirectory()))
    const { url: fresh } = sequencer
    await until(
      () => statusOf(fresh, third),
      ({ stage }) => stage !== 'unknown',
    )
    await until(
      () => send(fresh, newKeystore().update()).catch((error) => error),
      (error) => error?.data?.reason === 'PROMISE_LOG_LOST',
    )
  })

  it('keeps every promise that reached a client when it is killed, again and again', async () => {
    const dataDirectory = await world.newDirectory()
    const argument = JSON.stringify({
      rollup: rollupConfigToJson(world.rollup),
      l1Url: world.l1Url,
      dataDirectory,
    })
    const promised: SignedSetConfig[] = []
    for (let round = 0; round < 3; round++) {
      child = fork(new URL('../test/runSequencer.ts', import.meta.url), [argument], {
        execArgv: ['--import', 'tsx'],
      })
      const [url] = await once(child, 'message')
      await untilReady(url)
      const clients = Array.from({ length: 6 }, async (_, client) => {
        const keystore = newKeystore()
        for (let i = 0; child?.connected; i++) {
          const tx = keystore.update({
            data: `0x${client.toString(16).padStart(2, '0')}${i.toString(16).padStart(4, '0')}`,
          })
          try {
            await send(url, tx)
          } catch (error) {
            const reason = (error as { data?: { reason?: string } }).data?.reason
            if (reason === undefined) return // The connection broke: no promise reached us.
            expect(reason).toBe('KEYSTORE_QUEUE_FULL')
            return
          }
          promised.push(tx)
        }
      })
      const before = promised.length
      await until(
        async () => promised.length,
        (count) => count >= before + 25,
      )
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      await Promise.all(clients)
    }
    expect(promised.length).toBeGreaterThanOrEqual(75)
    const { url } = await start(dataDirectory)
    for (const tx of promised) {
      const status = await until(
        () => statusOf(url, tx),
        ({ stage }) => stage === 'safe' || stage === 'proposed' || stage === 'finalized',
        60_000,
      )
      expect(status.valid).toBe(true)
      expect(Number(status.blockNumber)).toBeLessThanOrEqual(Number(status.promise?.byBlock))
    }
  })

  it('keeps its blocks while SystemConfig names another batcher, and posts them when it is named again', async () => {
    const { url } = await start(await world.newDirectory())
    const owner = createWalletClient({
      account: privateKeyToAccount(world.accounts.deployer.privateKey),
      transport: http(world.l1Url),
    })
    const nameBatcher = (account: Address) =>
      owner.writeContract({
        address: world.rollup.l1SystemConfigAddress,
        abi: systemConfigAbi,
        functionName: 'setBatcher',
        args: [account],
        chain: null,
      })
    const reasons = async () => {
      const answer = (await (await fetch(`${url}/readyz`)).json()) as { reasons?: { reason: string }[] }
      return (answer.reasons ?? []).map(({ reason }) => reason)
    }
    await nameBatcher(world.accounts.user.address)
    await until(reasons, (found) => found.includes('BATCHER_NOT_NAMED'))
    const tx = newKeystore().update()
    await send(url, tx)
    const { blockNumber } = await until(
      () => statusOf(url, tx),
      ({ stage }) => stage === 'unsafe',
    )
    await nameBatcher(world.accounts.batcher.address)
    await until(reasons, (found) => found.length === 0)
    const safe = await until(
      () => statusOf(url, tx),
      ({ stage }) => ['safe', 'proposed', 'finalized'].includes(stage),
    )
    expect(safe).toMatchObject({ valid: true, blockNumber })
  })

  it('sequences promised set-configs again after a reorg of L1', async () => {
    const { url } = await start(await world.newDirectory())
    const keystore = newKeystore()
    const txs = [keystore.update()]
    for (let i = 0; i < 3; i++) txs.push(keystore.update({ data: `0x0${i}` }))
    for (const tx of txs) {
      await send(url, tx)
      const { blockNumber } = await until(
        () => statusOf(url, tx),
        ({ stage }) => stage !== 'pending',
      )
      expect(blockNumber).toBeDefined()
    }
    // Deep enough to take the origin of the last one's block.
    const { blockNumber } = await statusOf(url, txs.at(-1) as SignedSetConfig)
    const { extraData } = await rpc<{ extraData: Hex }>(url, 'eth_getBlockByNumber', [blockNumber, false])
    const origin = hexToBigInt(slice(extraData, 0, 8))
    const depth = Number((await world.l1.getBlockNumber()) - origin) + 1
    await world.l1.request({ method: 'anvil_reorg', params: [depth, []] } as never)
    const after = await Promise.all(
      txs.map((tx) =>
        until(
          () => statusOf(url, tx),
          ({ stage }) => ['safe', 'proposed', 'finalized'].includes(stage),
          90_000,
        ),
      ),
    )
    const metrics = await (await fetch(`${url}/metrics`)).text()
    expect(metrics).toMatch(/keyroll_pool_resequenced_total [1-9]/)
    expect(after.map(({ valid }) => valid)).toEqual(txs.map(() => true))
    const numbers = after.map(({ blockNumber }) => Number(blockNumber))
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  })
})
