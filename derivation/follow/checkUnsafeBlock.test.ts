import { describe, expect, it } from 'vitest'
import type { Block, SingularBatch } from '../../protocol/index.ts'
import { TEST_ROLLUP, testL1Hash } from '../../test/TestChain.ts'
import { batchOf, checkUnsafeBlock } from './checkUnsafeBlock.ts'

const L1_TIME = 1_800_000_000n
const l1Block = (number: bigint) => ({
  number,
  hash: testL1Hash(number),
  timestamp: L1_TIME + 12n * (number - 100n),
})
const parent = { hash: testL1Hash(1n), timestamp: L1_TIME + 20n }
const good: SingularBatch = {
  parentHash: parent.hash,
  epochNumber: 100n,
  epochHash: testL1Hash(100n),
  timestamp: parent.timestamp + TEST_ROLLUP.blockTime,
  transactions: [],
}

function check(changes: {
  batch?: Partial<SingularBatch>
  parentTime?: bigint
  inclusion?: bigint
  now?: bigint
  known?: readonly bigint[]
}) {
  const timestamp = changes.parentTime ?? parent.timestamp
  const batch = { ...good, timestamp: timestamp + TEST_ROLLUP.blockTime, ...changes.batch }
  const checked = checkUnsafeBlock({
    rules: TEST_ROLLUP,
    batch,
    parent: { ...parent, timestamp },
    l1Blocks: (changes.known ?? [100n, 101n]).map(l1Block),
    inclusion: changes.inclusion ?? 102n,
    now: changes.now ?? batch.timestamp,
  })
  return checked.validity === 'drop' ? checked.reason : checked.validity
}

describe('checkUnsafeBlock', () => {
  const { maxSequencerDrift, seqWindowSize } = TEST_ROLLUP
  const driftEnd = L1_TIME + maxSequencerDrift

  it('takes what may come to L1 as a batch', () => {
    expect(check({})).toBe('accept')
    expect(check({ batch: { epochNumber: 101n, epochHash: testL1Hash(101n) } })).toBe('accept')
  })

  it('gives the clock of a sequencer 12 seconds', () => {
    expect(check({ now: good.timestamp - 12n })).toBe('accept')
    expect(check({ now: good.timestamp - 13n })).toBe('AHEAD_OF_CLOCK')
  })

  it('knows by when the batch must be on L1', () => {
    expect(check({ inclusion: 100n + seqWindowSize })).toBe('accept')
    expect(check({ inclusion: 101n + seqWindowSize })).toBe('TOO_LATE')
  })

  it('allows nothing but empty blocks beyond the drift, and those only while the next origin has not come', () => {
    const beyond = { parentTime: driftEnd, now: driftEnd + 2n }
    expect(check({ ...beyond, batch: { transactions: [Uint8Array.of(0x4b)] } })).toBe('DRIFT_EXCEEDED')
    expect(check(beyond)).toBe('EPOCH_NOT_ADVANCED')
    expect(check({ ...beyond, known: [100n] })).toBe('undecided')
  })

  it('cannot tell while L1 has not shown the origin', () => {
    const next = { epochNumber: 101n, epochHash: testL1Hash(101n) }
    expect(check({ batch: next, known: [100n] })).toBe('undecided')
    expect(check({ batch: { ...next, epochHash: testL1Hash(101n, 1) } })).toBe('WRONG_EPOCH_HASH')
  })
})

describe('batchOf', () => {
  it('leaves out the deposits at the beginning, and nothing else', () => {
    const header = { extraData: `0x${'00'.repeat(7)}64${'00'.repeat(8)}` } as Block['header']
    const raws = [[0x7e], [0x7e], [0x4b], [0x7e]].map((bytes) => Uint8Array.from(bytes))
    const transactionsOf = (transactions: Uint8Array[]) =>
      batchOf({ header, hash: testL1Hash(1n), transactions }).transactions.map((raw) => raw[0])
    expect(transactionsOf(raws)).toEqual([0x4b, 0x7e])
    expect(transactionsOf(raws.slice(0, 2))).toEqual([])
  })
})
