import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Hex } from 'viem'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { rollupConfigToJson, toHex } from '../../protocol/index.ts'
import { createSequencer, type Sequencer } from '../../sequencer/index.ts'
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

let directory: string
let world: SequencerWorld
let sequencer: Sequencer
const runs: Run[] = []

beforeAll(async () => {
  world = await startSequencerWorld({ slotsInAnEpoch: 1 })
  directory = await world.newDirectory()
  await writeFile(at('rollup.json'), JSON.stringify(rollupConfigToJson(world.rollup)))
  sequencer = await createSequencer(world.optionsFor(join(directory, 'sequencer')))
  await untilReady(sequencer.url)
})

afterAll(async () => {
  for (const run of runs) run.kill('SIGKILL')
  await Promise.all(runs.map(({ exited }) => exited))
  await sequencer.close()
  await world.stop()
  await rm(directory, { recursive: true, force: true })
})

const at = (name: string) => join(directory, name)

function start(...args: readonly string[]): Run {
  const run = keyroll(...args)
  runs.push(run)
  return run
}

const nodeFlags = (name: string) => [
  ...['node', '--l1-rpc', world.l1Url, '--rollup-config', at('rollup.json'), '--data-dir', at(name)],
  ...['--port', '0', '--l1-poll-interval', '100'],
]

/** Starts a verifier as a person does, and waits until it follows L1. */
async function startNode(name: string, ...flags: readonly string[]): Promise<{ run: Run; url: string }> {
  const run = start(...nodeFlags(name), ...flags)
  const url = await until(
    async () => /"rpcUrl":"([^"]+)"/.exec(run.stdout())?.[1] ?? run.stderr(),
    (found) => found.startsWith('http'),
  )
  await untilReady(url)
  return { run, url }
}

const reason = (call: Promise<unknown>) =>
  call.then(
    () => 'none',
    (error: { data: { reason: string } }) => error.data.reason,
  )

async function sendConfig(raw: Uint8Array, hash: Hex, stage: string): Promise<void> {
  await rpc(sequencer.url, 'keyroll_sendConfig', [toHex(raw)])
  await until(
    () => rpc<StatusJson>(sequencer.url, 'keyroll_getStatus', [hash]),
    (status) => status.stage === stage,
  )
}

it('a node that begins with a snapshot serves, derives and checks what one that derived everything does', async () => {
  const keystore = createTestKeystore(world.rollup.l2ChainId, 'snapshot')
  const before = keystore.update({ data: '0x01' })
  await sendConfig(before.raw, before.hash, 'finalized')
  const full = await startNode('full')
  const covered = await until(
    () => rpc<StatusJson>(full.url, 'keyroll_getStatus', [before.hash]),
    ({ stage }) => stage === 'finalized',
  )
  // The snapshot holds the state before the L1 block that led to its output's block: take an output well above the set-config.
  const wanted = Number(covered.output?.index) + 3
  await until(
    () => rpc<{ finalized_l2: { number: number } }>(full.url, 'optimism_syncStatus', []),
    ({ finalized_l2 }) => finalized_l2.number >= 3 * (wanted + 1),
  )
  await until(
    () => rpc<{ finalized: boolean }>(full.url, 'keyroll_getOutput', [`0x${wanted.toString(16)}`]),
    ({ finalized }) => finalized,
  )
  full.run.kill('SIGTERM')
  expect(await full.run.exited).toBe(0)

  const create = start(
    ...['snapshot', 'create', '--data-dir', at('full'), '--rollup-config', at('rollup.json')],
    ...['--output', at('a.snapshot'), '--output-index', String(wanted)],
  )
  expect([await create.exited, create.stderr()]).toEqual([0, ''])
  const inspect = start('snapshot', 'inspect', at('a.snapshot'), '--rollup-config', at('rollup.json'))
  expect([await inspect.exited, inspect.stderr()]).toEqual([0, ''])
  const shown = JSON.parse(inspect.stdout())
  expect(shown).toMatchObject({
    configs: 1,
    initials: 0,
    output: { index: wanted, blockNumber: 3 * (wanted + 1) },
  })

  const young = await startNode('young', '--snapshot', at('a.snapshot'))
  expect(await rpc(young.url, 'keyroll_getConfig', [keystore.id, 'latest'])).toMatchObject({
    configHash: before.configHash,
    config: { data: '0x01' },
  })
  expect(await reason(rpc(young.url, 'eth_getBlockByNumber', ['0x0', false]))).toBe('BEFORE_SNAPSHOT')
  const earliest = await rpc<{ number: Hex }>(young.url, 'eth_getBlockByNumber', ['earliest', false])
  expect(Number(earliest.number)).toBe(shown.base.number)

  const after = keystore.update({ data: '0x02' })
  await sendConfig(after.raw, after.hash, 'finalized')
  const status = await until(
    () => rpc<StatusJson & { output: { l2BlockNumber: Hex } }>(young.url, 'keyroll_getStatus', [after.hash]),
    ({ stage }) => stage === 'finalized',
  )
  expect(status.output).toMatchObject({ matches: true })
  const blocks = await Promise.all(
    [young.url, sequencer.url].map((url) =>
      rpc(url, 'eth_getBlockByNumber', [status.output.l2BlockNumber, true]),
    ),
  )
  expect(blocks[0]).toEqual(blocks[1])
  expect(young.run.stderr()).toContain('the first output since the snapshot matches')
  expect(await (await fetch(`${young.url}/metrics`)).text()).toMatch(/keyroll_outputs_wrong 0/)

  // With the same flags it goes on with what it has.
  young.run.kill('SIGKILL')
  await young.run.exited
  const again = await startNode('young', '--snapshot', at('a.snapshot'))
  expect(again.run.stderr()).toContain('there is a database already')
  expect(await rpc(again.url, 'keyroll_getConfig', [keystore.id, 'safe'])).toMatchObject({
    configHash: after.configHash,
  })
}, 120_000)

it('a damaged snapshot is refused and leaves nothing behind', async () => {
  const bytes = await readFile(at('a.snapshot'))
  await writeFile(at('b.snapshot'), bytes.with(bytes.length - 100, (bytes.at(-100) as number) ^ 1))
  const run = start(...nodeFlags('damaged'), '--snapshot', at('b.snapshot'))
  expect(await run.exited).toBe(1)
  expect(run.stderr()).toContain('the snapshot is damaged')
  const { url } = await startNode('damaged')
  expect(await rpc(url, 'eth_getBlockByNumber', ['0x0', false])).toMatchObject({ number: '0x0' })
})
