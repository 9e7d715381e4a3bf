import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Verifier } from '../../derivation/index.ts'
import { keccakHex, rollupConfigToJson, toHex } from '../../protocol/index.ts'
import {
  rpc,
  type SequencerWorld,
  type StatusJson,
  startSequencerWorld,
  until,
  untilReady,
} from '../sequencerWorld.ts'
import { createTestKeystore } from '../TestKeystore.ts'
import { startFreshVerifier } from './freshVerifier.ts'
import { keyroll, type Run } from './keyroll.ts'
import { postedBatches } from './postedBatches.ts'

const KEYS = ['promise-signer', 'batcher', 'proposer'] as const
const ORDER = ['pending', 'unsafe', 'safe', 'proposed', 'finalized']

let directory: string
let world: SequencerWorld
let run: Run | undefined
let verifier: Verifier

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-restart-'))
  world = await startSequencerWorld()
  await writeFile(join(directory, 'rollup.json'), JSON.stringify(rollupConfigToJson(world.rollup)))
  const { promiseSigner, batcher, proposer } = world.accounts
  const keys = [promiseSigner, batcher, proposer].map(({ privateKey }) => privateKey)
  await Promise.all(KEYS.map((name, i) => writeFile(join(directory, name), keys[i] as Hex)))
  verifier = await startFreshVerifier(world)
})

afterAll(async () => {
  run?.kill('SIGKILL')
  await run?.exited
  await verifier.close()
  await world.stop()
  await rm(directory, { recursive: true })
})

/** Starts the sequencer as a person does, always on the same data directory. */
async function startSequencer(): Promise<string> {
  const [promiseKey, batcherKey, proposerKey] = KEYS.map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ]
  const started = keyroll(
    ...['sequencer', '--l1-rpc', world.l1Url, '--rollup-config', join(directory, 'rollup.json')],
    ...['--data-dir', join(directory, 'data'), '--port', '0', '--l1-poll-interval', '100'],
    ...['--promise-key-file', promiseKey, '--batcher-key-file', batcherKey],
    ...['--proposer-key-file', proposerKey, '--proposer-head', 'safe'],
    ...['--l1-confirmations', '0', '--max-channel-duration', '0'],
  )
  run = started
  const url = await until(
    async () => /"rpcUrl":"([^"]+)"/.exec(started.stdout())?.[1] ?? '',
    (found) => found !== '',
  )
  await untilReady(url)
  return url
}

async function kill(): Promise<void> {
  run?.kill('SIGKILL')
  expect(await run?.exited).toBe(null)
}

it('a sequencer killed after its promise keeps it, and is killed at the next stages without posting twice', async () => {
  const keystore = createTestKeystore(world.rollup.l2ChainId, 'restart')
  const { raw, hash, configHash } = keystore.update({ data: '0x01' })
  let url = await startSequencer()
  const stageReached = (stage: string) =>
    until(
      () => rpc<StatusJson>(url, 'keyroll_getStatus', [hash]),
      (status) => ORDER.indexOf(status.stage) >= ORDER.indexOf(stage),
    )

  const answer = await rpc<{ promise: { byBlock: Hex } }>(url, 'keyroll_sendConfig', [toHex(raw)])
  await kill()
  url = await startSequencer()
  const unsafe = await stageReached('unsafe')
  expect(unsafe).toMatchObject({ valid: true, ...answer })
  expect(Number(unsafe.blockNumber)).toBeLessThanOrEqual(Number(answer.promise.byBlock))
  await kill()
  url = await startSequencer()
  const safe = await stageReached('safe')
  expect(safe.blockNumber).toBe(unsafe.blockNumber)
  await kill()
  url = await startSequencer()
  const proposed = await stageReached('proposed')
  expect(proposed.l1).toEqual(safe.l1)

  const derived = await until(
    () => rpc<StatusJson>(verifier.url, 'keyroll_getStatus', [hash]),
    ({ output }) => output !== undefined,
  )
  const { promise: _, signature: _s, signer: _a, ...own } = proposed as StatusJson & Record<string, unknown>
  expect(derived).toEqual({ ...own, stage: derived.stage, output: expect.anything() })
  expect(derived.output).toMatchObject({ index: proposed.output?.index, matches: true })
  const block = (proposed.output as { l2BlockNumber?: Hex } | undefined)?.l2BlockNumber
  const roots = await Promise.all(
    [url, verifier.url].map((node) => rpc<{ outputRoot: Hex }>(node, 'optimism_outputAtBlock', [block])),
  )
  expect(roots[0]?.outputRoot).toBe(roots[1]?.outputRoot)
  expect(verifier.derivation.wrongOutputs()).toEqual([])
  expect(await rpc(verifier.url, 'keyroll_getConfig', [keystore.id, 'safe'])).toMatchObject({ configHash })

  const posted = await postedBatches(world)
  const carriers = posted.filter(({ batch }) => batch.transactions.some((tx) => keccakHex(tx) === hash))
  expect(carriers.map(({ transactionHash }) => transactionHash)).toEqual([proposed.l1?.transactionHash])
  expect(new Set(posted.map(({ batch }) => batch.parentHash)).size).toBe(posted.length)
}, 60_000)
