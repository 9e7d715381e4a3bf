import { beforeAll, expect, it } from 'vitest'
import { type RollupConfig, ZERO_HASH } from '../../protocol/index.ts'
import { createSnapshotWorld, inChunks, type SnapshotWorld } from '../../test/snapshots.ts'
import { TemporaryFault } from '../Fault.ts'
import type { L1Outputs, ProvenOutput } from '../l1/L1Outputs.ts'
import { checkSnapshotOnL1 } from './checkSnapshotOnL1.ts'
import { openSnapshot, type SnapshotReading } from './readSnapshot.ts'
import { RefusedSnapshotError } from './snapshotErrors.ts'

const CHALLENGE_PERIOD = 12

let world: SnapshotWorld
let reading: SnapshotReading
let rollup: RollupConfig
beforeAll(async () => {
  world = await createSnapshotWorld()
  reading = await openSnapshot(inChunks(world.bytes), world.rollup)
  // L1 has finalized 24 seconds beyond the newest output.
  rollup = { ...world.rollup, challengePeriod: CHALLENGE_PERIOD }
})

/** The outputs that L1 has, some of them changed. */
function outputsWith(
  changes: Record<number, Partial<ProvenOutput> | undefined> = {},
  newest = changes,
): L1Outputs {
  return {
    async outputAt({ number }, index) {
      const use = number === world.l1.head().number ? newest : changes
      const output = world.node.store.outputByIndex(index)
      if (output === undefined || (Number(index) in use && use[Number(index)] === undefined)) return undefined
      const { outputRoot, l1Timestamp, l2BlockNumber } = output
      return { outputRoot, l1Timestamp, l2BlockNumber, ...use[Number(index)] }
    },
  }
}

type Changes = {
  outputs?: L1Outputs
  finalized?: bigint
  head?: Partial<SnapshotReading['head']>
  inclusion?: Partial<SnapshotReading['head']['base']['inclusion']>
  challengePeriod?: number
  submissionInterval?: bigint
  seqWindowSize?: bigint
  acceptsProposed?: boolean
}

/** The reason of the refusal, or `accepted`. */
async function judged(changes: Changes = {}): Promise<string> {
  const { finalized, outputs = outputsWith(), acceptsProposed = false } = changes
  const { base } = reading.head
  const changed = {
    ...reading.head,
    base: { ...base, inclusion: { ...base.inclusion, ...changes.inclusion } },
  }
  const { challengePeriod, submissionInterval, seqWindowSize } = { ...rollup, ...changes }
  const l1 = {
    ...world.l1.client,
    header: (numberOrTag: bigint | 'latest' | 'safe' | 'finalized') =>
      world.l1.client.header(numberOrTag === 'finalized' ? (finalized ?? 110n) : numberOrTag),
  }
  try {
    await checkSnapshotOnL1(
      { anchor: reading.anchor, head: { ...changed, ...changes.head } },
      {
        l1,
        outputs,
        rollup: { ...rollup, challengePeriod, submissionInterval, seqWindowSize },
        acceptsProposed,
      },
    )
    return 'accepted'
  } catch (error) {
    if (error instanceof RefusedSnapshotError) return error.reason
    throw error
  }
}

const l1Id = async (number: bigint) => {
  const header = await world.l1.client.header(number)
  return { number, hash: header?.hash ?? ZERO_HASH }
}

it('takes a snapshot whose output stands past its challenge period', async () => {
  expect(await judged()).toBe('accepted')
})

it('refuses one whose output was deleted, is another, or is of another block', async () => {
  expect(await judged({ outputs: outputsWith({ 3: undefined }) })).toBe('OUTPUT_ABSENT')
  expect(await judged({ outputs: outputsWith({ 3: { outputRoot: ZERO_HASH } }) })).toBe('OUTPUT_DIFFERS')
  expect(await judged({ outputs: outputsWith({ 3: { l2BlockNumber: 13n } }) })).toBe('OUTPUT_DIFFERS')
  expect(await judged({ outputs: outputsWith({ 3: { l1Timestamp: 1n } }) })).toBe('OUTPUT_DIFFERS')
})

it('refuses one whose output may still be deleted, unless the proposer is to be believed', async () => {
  expect(await judged({ challengePeriod: 1_000 })).toBe('OUTPUT_CHALLENGEABLE')
  expect(await judged({ challengePeriod: 1_000, acceptsProposed: true })).toBe('accepted')
  // 18 seconds lie between the output and L1 block 110, which is final.
  expect(await judged({ challengePeriod: 18 })).toBe('accepted')
  expect(await judged({ challengePeriod: 19 })).toBe('OUTPUT_CHALLENGEABLE')
})

it('refuses one whose output was deleted after L1’s finalized block, where it could be', async () => {
  const outputs = outputsWith({}, { 3: undefined })
  expect(await judged({ outputs, challengePeriod: 1_000, acceptsProposed: true })).toBe('OUTPUT_ABSENT')
  expect(await judged({ outputs })).toBe('accepted')
})

it('refuses one that rests on what L1 has not finalized', async () => {
  expect(await judged({ finalized: 106n })).toBe('NOT_FINALIZED')
  expect(await judged({ finalized: 99n })).toBe('NOTHING_FINALIZED')
})

it('refuses one that names L1 blocks of another fork, or of another L1', async () => {
  const hash = ZERO_HASH
  expect(await judged({ inclusion: { l1Block: { number: 104n, hash } } })).toBe('L1_DIFFERS')
  const { output, firstOutput } = reading.head
  expect(await judged({ head: { output: { ...output, l1Block: { number: 107n, hash } } } })).toBe(
    'L1_DIFFERS',
  )
  const otherFirst = { ...firstOutput, l1Block: { number: 106n, hash } }
  expect(await judged({ head: { firstOutput: otherFirst } })).toBe('L1_DIFFERS')
})

it('refuses one that does not begin to read outputs with the first above its base', async () => {
  const { output } = reading.head
  expect(await judged({ head: { firstOutput: output } })).toBe('WRONG_FIRST_OUTPUT')
  const earlier = { index: 1n, l1Block: await l1Id(106n) }
  expect(await judged({ head: { firstOutput: earlier } })).toBe('WRONG_FIRST_OUTPUT')
  expect(await judged({ outputs: outputsWith({ 2: undefined }) })).toBe('OUTPUT_ABSENT')
})

it('refuses one whose L1 block cannot have led to its base as the last', async () => {
  expect(await judged({ inclusion: { l1Block: await l1Id(101n) } })).toBe('WRONG_INCLUSION')
  expect(await judged({ inclusion: { l1Block: await l1Id(103n) } })).toBe('WRONG_INCLUSION')
  expect(await judged({ inclusion: { transactionHash: undefined } })).toBe('accepted')
  expect(await judged({ inclusion: { transactionHash: ZERO_HASH } })).toBe('WRONG_INCLUSION')
  // In so short a window more blocks would have been forced.
  expect(await judged({ seqWindowSize: 2n })).toBe('WRONG_INCLUSION')
})

it('waits for an L1 node that cannot be asked', async () => {
  const outputs: L1Outputs = {
    outputAt: async () => {
      throw new TemporaryFault('down')
    },
  }
  await expect(judged({ outputs })).rejects.toThrow(TemporaryFault)
})
