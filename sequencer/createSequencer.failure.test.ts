import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { CriticalFault, openChainStore } from '../node/index.ts'
import { createTestRollup } from '../test/chainFixtures.ts'
import { sequencerOptions } from '../test/sequencerWorld.ts'
import { createSequencer } from './createSequencer.ts'
import { SharedKeyError } from './createSequencerParts.ts'
import type { SequencerOptions } from './SequencerOptions.ts'

const rollup = createTestRollup()
const aborted = vi.spyOn(AbortController.prototype, 'abort')
let directory: string

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-failing-'))
  aborted.mockClear()
})
afterEach(() => rm(directory, { recursive: true }))

const options = () => sequencerOptions(rollup, 'http://127.0.0.1:1', directory)

/** Expects that a sequencer which cannot be started ends what waits for L1, and lets go of its database. */
async function expectReleased(failing: SequencerOptions, error: unknown): Promise<void> {
  await expect(createSequencer(failing)).rejects.toThrow(error)
  expect(aborted).toHaveBeenCalled()
  await (await openChainStore(directory, rollup)).close()
}

it('releases everything when batcher and proposer have one key, which it refuses', async () => {
  const { batcherKey = '0x' } = options()
  await expectReleased({ ...options(), proposerKey: batcherKey }, SharedKeyError)
})

it('releases everything when there is nobody whom it is to trust about L1', async () => {
  await expectReleased({ ...options(), l1: { ...options().l1, trust: 'beacon' } }, CriticalFault)
})

it('releases everything when a port cannot be bound', async () => {
  const first = await createSequencer({ ...options(), dataDirectory: ':memory:' })
  aborted.mockClear()
  const port = Number(new URL(first.url).port)
  await expectReleased({ ...options(), rpc: { host: '127.0.0.1', port } }, /cannot listen/)
  await first.close()
})
