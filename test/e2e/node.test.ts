import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWalletClient, type Hex, http } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { outputOracleAbi } from '../../contracts/index.ts'
import type { SignedBlockJson } from '../../node/index.ts'
import { blockFromRlp, fromHex, rollupConfigToJson, toHex, ZERO_HASH } from '../../protocol/index.ts'
import { createPromiseSigner } from '../../sequencer/pool/PromiseSigner.ts'
import { startHttpServer } from '../httpServer.ts'
import {
  rpc,
  type SequencerWorld,
  type StatusJson,
  startSequencerWorld,
  until,
  untilReady,
} from '../sequencerWorld.ts'
import { createTestKeystore } from '../TestKeystore.ts'
import { keyroll, type Run } from './keyroll.ts'

type BlockJson = { hash: Hex; number: Hex; stateRoot: Hex; withdrawalsRoot: Hex }
type Process = { url: string; wsUrl: string; run: Run }
type Posted = Record<string, unknown> & { alarm: string; status: string }

/** L1 blocks for which batches wait: long enough to see what is not posted yet. */
const CHANNEL_DURATION = '12'

let directory: string
let world: SequencerWorld
let sequencer: Process
const running: Run[] = []
const closers: (() => Promise<void>)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-node-'))
  world = await startSequencerWorld({ parameters: { challengePeriod: 600 } })
  await writeFile(join(directory, 'rollup.json'), JSON.stringify(rollupConfigToJson(world.rollup)))
  await writeFile(join(directory, 'promise'), world.accounts.promiseSigner.privateKey)
  await writeFile(join(directory, 'batcher'), world.accounts.batcher.privateKey)
  sequencer = await start(
    ...['sequencer', '--data-dir', join(directory, 'sequencer')],
    ...['--promise-key-file', join(directory, 'promise'), '--batcher-key-file', join(directory, 'batcher')],
    ...['--l1-confirmations', '0', '--max-channel-duration', CHANNEL_DURATION],
  )
  await untilReady(sequencer.url)
})

afterAll(async () => {
  for (const run of running) run.kill('SIGKILL')
  await Promise.all(running.map(({ exited }) => exited))
  for (const close of closers) await close()
  await world.stop()
  await rm(directory, { recursive: true })
})

/** Starts a command as a person does, and waits until it listens. */
async function start(...args: readonly string[]): Promise<Process> {
  const run = keyroll(
    ...args,
    ...['--l1-rpc', world.l1Url, '--rollup-config', join(directory, 'rollup.json')],
    ...['--port', '0', '--l1-poll-interval', '100'],
  )
  running.push(run)
  const urls = await until(
    async () => /{"rpcUrl".*}/.exec(run.stdout())?.[0] ?? '',
    (found) => found !== '',
  )
  const { rpcUrl, wsUrl }: { rpcUrl: string; wsUrl: string } = JSON.parse(urls)
  return { url: rpcUrl, wsUrl, run }
}

const startNode = (name: string, ...flags: readonly string[]) =>
  start('node', '--data-dir', join(directory, name), ...flags)

const headOf = (url: string, tag: string) => rpc<BlockJson>(url, 'eth_getBlockByNumber', [tag, false])

async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length) ?? 0,
  )
}

const outcomes = (url: string, outcome: string) =>
  metric(url, `keyroll_unsafe_blocks_total{outcome="${outcome}"}`)

async function sendConfig(name: string): Promise<Hex> {
  const { raw, hash } = createTestKeystore(world.rollup.l2ChainId, name).update({ data: '0x01' })
  await rpc(sequencer.url, 'keyroll_sendConfig', [toHex(raw)])
  return hash
}

const statusOf = (url: string, hash: Hex) =>
  rpc<StatusJson & { blockHash: Hex }>(url, 'keyroll_getStatus', [hash])

describe('keyroll node --sequencer', () => {
  it('shows what is promised before it is posted, over WebSocket, and L1 then says the same', async () => {
    const { url, run } = await startNode('follower', '--sequencer', sequencer.wsUrl)
    await until(
      () => outcomes(url, 'FOLLOWED'),
      (count) => count > 0,
    )
    const hash = await sendConfig('promised')
    const unsafe = await until(
      () => statusOf(url, hash),
      ({ stage }) => stage !== 'unknown',
    )
    expect(unsafe).toMatchObject({ stage: 'unsafe', valid: true })
    const seen = await rpc<BlockJson>(sequencer.url, 'eth_getBlockByHash', [unsafe.blockHash, false])
    expect(await rpc<BlockJson>(url, 'eth_getBlockByHash', [unsafe.blockHash, false])).toEqual(seen)
    expect(await metric(url, 'keyroll_sequencer_connected')).toBe(1)

    const safe = await until(
      () => statusOf(url, hash),
      ({ stage }) => stage !== 'unsafe',
      60_000,
    )
    expect(safe).toMatchObject({ stage: 'safe', blockHash: unsafe.blockHash })
    expect(await metric(url, 'keyroll_rewound_blocks_total')).toBe(0)
    run.kill('SIGINT')
    await run.exited
  })

  it('believes nobody but the promise signer, and follows once the blocks are right', async () => {
    const thief = createPromiseSigner(generatePrivateKey(), world.rollup.l2ChainId)
    const lies: Record<string, (json: SignedBlockJson) => unknown> = {
      WRONG_SIGNER: (json) => {
        const { hash: blockHash, header } = blockFromRlp(fromHex(json.block))
        const signature = thief.signBlock({ blockHash, blockNumber: header.number })
        return { ...json, signature, signer: thief.address }
      },
      BAD_SIGNATURE: (json) => {
        const { hash: blockHash, header } = blockFromRlp(fromHex(json.block))
        return { ...json, signature: thief.signBlock({ blockHash, blockNumber: header.number }) }
      },
      MALFORMED: () => ({ block: '0xc0', signature: '0x', signer: {} }),
    }
    let lie: string | undefined = 'WRONG_SIGNER'
    const evil = await startHttpServer(async (_, body) => {
      const response = await fetch(sequencer.url, { method: 'POST', body })
      const answer = (await response.json()) as { result: SignedBlockJson | null }
      if (lie === undefined || answer.result === null) return Response.json(answer)
      return Response.json({ ...answer, result: lies[lie]?.(answer.result) })
    })
    closers.push(evil.close)
    const { url, run } = await startNode('cheated', '--sequencer', evil.url)
    for (const reason of Object.keys(lies)) {
      lie = reason
      await until(
        () => outcomes(url, reason),
        (count) => count > 0,
      )
    }
    expect(await outcomes(url, 'FOLLOWED')).toBe(0)
    expect(run.stderr()).toContain('refused an unsafe block of the sequencer')
    lie = undefined
    const followed = await until(
      () => headOf(url, 'latest'),
      ({ number }) => BigInt(number) > 0n,
    )
    expect((await headOf(sequencer.url, followed.number)).hash).toBe(followed.hash)
    await until(
      () => outcomes(url, 'FOLLOWED'),
      (count) => count > 0,
    )
    run.kill('SIGINT')
    await run.exited
  })
})

describe('keyroll node --alarm-webhook', () => {
  it('posts a wrong output; then it stays until the output is deleted, or ends with a code of its own', async () => {
    const posted: (Posted & { to: string })[] = []
    const receiver = await startHttpServer(async (path, body) => {
      posted.push({ ...JSON.parse(body), to: path })
      return new Response()
    })
    closers.push(receiver.close)
    const staying = await startNode('staying', '--alarm-webhook', `${receiver.url}/staying`)
    const ending = await startNode(
      ...(['ending', '--alarm-webhook', `${receiver.url}/ending`, '--on-wrong-output', 'exit'] as const),
    )
    const number = world.rollup.submissionInterval
    const block = await until(
      () => headOf(staying.url, `0x${number.toString(16)}`),
      (found) => found !== null,
      60_000,
    )
    await Promise.all([staying, ending].map(({ url }) => untilReady(url)))
    const oracle = { address: world.rollup.outputOracleAddress, abi: outputOracleAbi, chain: null } as const
    const as = (role: 'proposer' | 'challenger') =>
      createWalletClient({
        account: privateKeyToAccount(world.accounts[role].privateKey),
        transport: http(world.l1Url),
      })
    const transaction = await as('proposer').writeContract({
      ...oracle,
      functionName: 'proposeL2Output',
      args: [block.stateRoot, block.withdrawalsRoot, ZERO_HASH, number, ZERO_HASH, 0n],
    })

    expect(await ending.run.exited).toBe(3)
    expect(ending.run.stderr()).toContain('ALARM: output 0 on L1 is not of this chain')
    await until(
      async () => posted,
      (all) => new Set(all.map(({ to }) => to)).size === 2,
    )
    const { timestamp } = await world.l1.getBlock({
      blockHash: (await world.l1.waitForTransactionReceipt({ hash: transaction })).blockHash,
    })
    for (const one of posted) {
      expect(one).toMatchObject({
        alarm: 'WRONG_OUTPUT',
        status: 'raised',
        rollupChainId: Number(world.rollup.l2ChainId),
        outputIndex: 0,
        l2Block: Number(number),
        l1Transaction: transaction,
        deadline: Number(timestamp) + world.rollup.challengePeriod,
      })
      expect(one.posted).not.toBe(one.expected)
    }
    expect(posted).toHaveLength(2)
    expect(await metric(staying.url, 'keyroll_outputs_wrong')).toBe(1)

    await as('challenger').writeContract({ ...oracle, functionName: 'deleteL2Outputs', args: [0n] })
    await until(
      async () => posted.at(-1),
      (last) => last?.to === '/staying' && last.status === 'resolved',
    )
    expect(await metric(staying.url, 'keyroll_outputs_wrong')).toBe(0)
    staying.run.kill('SIGINT')
    await staying.run.exited
  })
})

describe('keyroll node', () => {
  it('tells how far it is while it reads a long L1, and when it is done', async () => {
    sequencer.run.kill('SIGINT')
    await sequencer.run.exited
    for (let mined = 0; mined < 600; mined += 50) await world.l1.mine({ blocks: 50, interval: 1 })
    const { url, run } = await startNode('late')
    const lines = () =>
      run
        .stderr()
        .split('\n')
        .flatMap((line): Record<string, unknown>[] => (line === '' ? [] : [JSON.parse(line)]))
    const [line] = await until(
      async () => lines().filter(({ msg }) => msg === 'syncing'),
      ({ length }) => length > 0,
    )
    expect(line).toMatchObject({
      l1Block: expect.any(Number),
      l1Head: expect.any(Number),
      remaining: expect.any(Number),
      safeBlock: expect.any(Number),
      blocksPerSecond: expect.any(Number),
      setConfigsPerSecond: expect.any(Number),
      stalledSeconds: expect.any(Number),
    })
    expect(Number(line?.remaining)).toBe(Number(line?.l1Head) - Number(line?.l1Block))
    expect(Number(line?.remaining)).toBeGreaterThan(0)
    const during = await rpc<{ progress: { remaining: Hex } }>(url, 'keyroll_syncStatus', [])
    expect(during.progress.remaining).toMatch(/^0x/)
    await untilReady(url)
    await until(
      async () => lines(),
      (all) => all.some(({ msg }) => msg === 'in sync with L1'),
    )
    expect(await rpc(url, 'eth_syncing', [])).toBe(false)
    expect(await metric(url, 'keyroll_sync_remaining_l1_blocks')).toBeLessThan(10)
    run.kill('SIGINT')
    await run.exited
  })
})
