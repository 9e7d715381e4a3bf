import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createBeaconChain } from '../../devnet/BeaconChain.ts'
import { type BeaconApi, serveBeaconApi } from '../../devnet/beaconApi.ts'
import { followL1 } from '../../devnet/followL1.ts'
import { keccakHex, rollupConfigToJson, toHex } from '../../protocol/index.ts'
import { rpc, type SequencerWorld, type StatusJson, startSequencerWorld, until } from '../sequencerWorld.ts'
import { createTestKeystore } from '../TestKeystore.ts'
import { keyroll, type Run } from './keyroll.ts'
import { postedBatches } from './postedBatches.ts'

const ORDER = ['pending', 'unsafe', 'safe', 'proposed', 'finalized']
/** Loading KZG takes seconds of a processor, in each process. */
const TIMEOUT = 120_000

let directory: string
let world: SequencerWorld
let api: BeaconApi
let followed: Promise<void>
const ending = new AbortController()
const runs: Run[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-blobs-'))
  // A window that does not close while KZG is loading.
  world = await startSequencerWorld({ parameters: { seqWindowSize: 400n } })
  await writeFile(join(directory, 'rollup.json'), JSON.stringify(rollupConfigToJson(world.rollup)))
  const { promiseSigner, batcher } = world.accounts
  await writeFile(join(directory, 'promise-signer'), promiseSigner.privateKey)
  await writeFile(join(directory, 'batcher'), batcher.privateKey)
  const from = await world.l1.getBlock()
  const chain = await createBeaconChain(world.l1Url, from)
  api = await serveBeaconApi({ chain, port: 0 })
  followed = followL1({
    l1Url: world.l1Url,
    from,
    follower: {
      onBlock: async (block) => void (await chain.append(block)),
      onReorg: async (number) => chain.rollback(number),
    },
    signal: ending.signal,
  })
})

afterAll(async () => {
  for (const run of runs) run.kill('SIGKILL')
  await Promise.all(runs.map(({ exited }) => exited))
  ending.abort()
  // What ended it early left blobs unserved.
  await followed
  await api.close()
  await world.stop()
  await rm(directory, { recursive: true })
})

/** Starts a process as a person does, and waits until it is ready. */
async function start(
  command: 'sequencer' | 'node',
  ...flags: readonly string[]
): Promise<{ run: Run; url: string }> {
  const run = keyroll(
    ...[command, '--l1-rpc', world.l1Url, '--l1-beacon', api.url, '--port', '0', '--l1-poll-interval', '100'],
    ...['--rollup-config', join(directory, 'rollup.json'), '--data-dir', join(directory, command), ...flags],
  )
  runs.push(run)
  const url = await until(
    async () => /"rpcUrl":"([^"]+)"/.exec(run.stdout())?.[1] ?? '',
    (found) => found !== '',
  )
  // A sequencer promises nothing before its first batch is safe, which takes KZG.
  await until(
    async () => (await fetch(`${url}/readyz`)).json() as Promise<{ ready: boolean }>,
    ({ ready }) => ready,
    TIMEOUT,
  )
  return { run, url }
}

/** One blob every few seconds: proofs take half a second of a processor, and checking takes a quarter in each process. */
const startSequencer = (dataAvailability: string) =>
  start(
    'sequencer',
    ...['--promise-key-file', join(directory, 'promise-signer')],
    ...['--batcher-key-file', join(directory, 'batcher'), '--data-availability', dataAvailability],
    ...['--l1-confirmations', '0', '--max-channel-duration', '5'],
  )

const untilSafe = (url: string, hash: Hex) =>
  until(
    () => rpc<StatusJson>(url, 'keyroll_getStatus', [hash]),
    ({ stage }) => ORDER.indexOf(stage) >= ORDER.indexOf('safe'),
    TIMEOUT,
  )

it('a set-config reaches an independent node in a blob, and one after a crash in calldata, behind the blobs on their way', async ({
  onTestFailed,
}) => {
  onTestFailed(() => {
    // Processes say what they wait for.
    for (const { stderr } of runs) console.error(stderr().split('\n').slice(-30).join('\n'))
  })
  const [before, node] = await Promise.all([startSequencer('blobs'), start('node')])
  const update = async (url: string, name: string) => {
    const keystore = createTestKeystore(world.rollup.l2ChainId, name)
    const { raw, hash, configHash } = keystore.update({ data: '0x01' })
    await rpc(url, 'keyroll_sendConfig', [toHex(raw)])
    return { id: keystore.id, hash, configHash }
  }
  const first = await update(before.url, 'in a blob')
  const safe = await untilSafe(node.url, first.hash)
  expect(safe).toMatchObject({ valid: true, blockNumber: expect.any(String) })
  expect(await rpc(node.url, 'keyroll_getConfig', [first.id, 'safe'])).toMatchObject({
    configHash: first.configHash,
  })
  const carrier = await world.l1.getTransaction({ hash: safe.l1?.transactionHash as Hex })
  expect(carrier).toMatchObject({ type: 'eip4844', input: '0x' })
  expect((await untilSafe(before.url, first.hash)).l1).toEqual(safe.l1)

  before.run.kill('SIGKILL')
  await before.run.exited
  const after = await startSequencer('calldata')
  const second = await update(after.url, 'in calldata')
  const last = await untilSafe(node.url, second.hash)

  const posted = await postedBatches(world)
  const carriersOf = (hash: Hex) =>
    posted
      .filter(({ batch }) => batch.transactions.some((raw) => keccakHex(raw) === hash))
      .map(({ isInBlobs, transactionHash }) => ({ isInBlobs, transactionHash }))
  expect(carriersOf(first.hash)).toEqual([{ isInBlobs: true, transactionHash: safe.l1?.transactionHash }])
  expect(carriersOf(second.hash)).toEqual([{ isInBlobs: false, transactionHash: last.l1?.transactionHash }])
  expect(new Set(posted.map(({ batch }) => batch.parentHash)).size).toBe(posted.length)
  const [own, derived] = await Promise.all(
    [after.url, node.url].map((url) =>
      rpc<{ outputRoot: Hex }>(url, 'optimism_outputAtBlock', [last.blockNumber]),
    ),
  )
  expect(own?.outputRoot).toBe(derived?.outputRoot)
}, 300_000)
