import fc from 'fast-check'
import type { Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import { fromHex, type SingularBatch } from '../protocol/index.ts'
import vectors from '../test/vectors/singular_batch_validity.json' with { type: 'json' }
import { type BatchFlaw, checkSingularBatch } from './checkSingularBatch.ts'

type Named<T> = Readonly<Record<string, T>>
type L1Vector = { hash: string; number: number; timestamp: number }
type L2Vector = { hash: string; timestamp: number }

const { config } = vectors
const l1Vectors: Named<L1Vector> = vectors.l1
const l2Vectors: Named<L2Vector> = vectors.l2

function l1Block(name: string) {
  const { hash, number, timestamp } = l1Vectors[name] as L1Vector
  return { hash: hash as Hex, number: BigInt(number), timestamp: BigInt(timestamp) }
}

function check({ l1_blocks, safe_head, l1_inclusion, batch, forks }: (typeof vectors.cases)[number]) {
  const { hash, timestamp } = l2Vectors[safe_head] as L2Vector
  const drift = 'fjord' in forks ? config.fjord_drift : config.max_sequencer_drift
  return checkSingularBatch({
    rules: {
      blockTime: BigInt(config.block_time),
      seqWindowSize: BigInt(config.seq_window_size),
      maxSequencerDrift: BigInt(drift),
    },
    l1Blocks: l1_blocks.map(l1Block),
    parent: { hash: hash as Hex, timestamp: BigInt(timestamp) },
    batch: {
      parentHash: batch.parent_hash as Hex,
      epochNumber: BigInt(batch.epoch_num),
      epochHash: batch.epoch_hash as Hex,
      timestamp: BigInt(batch.timestamp),
      transactions: batch.transactions.map((raw) => fromHex(raw as Hex)),
    },
    inclusion: l1Block(l1_inclusion).number,
  })
}

/** This chain is at Holocene from its first block, where a batch ahead of its time is dropped and a past one skipped. */
function atHolocene({ name, expected }: (typeof vectors.cases)[number]): string {
  if (expected === 'future') return 'drop'
  return ['old timestamp', 'misaligned timestamp'].includes(name) ? 'past' : expected
}

describe("the OP Stack's rules for singular batches", () => {
  it('are tested on all 23 cases', () => {
    expect(vectors.cases).toHaveLength(23)
  })

  it.each(vectors.cases)('say of "$name": $expected', (vector) => {
    expect(check(vector).validity).toBe(atHolocene(vector))
  })

  const reasons: Record<string, BatchFlaw> = {
    'future timestamp': 'FUTURE',
    'invalid parent block hash': 'WRONG_PARENT',
    'sequence window expired': 'TOO_LATE',
    'epoch too old, but good parent hash and timestamp': 'EPOCH_TOO_OLD',
    'epoch too new': 'EPOCH_TOO_NEW',
    'epoch hash wrong': 'WRONG_EPOCH_HASH',
    'sequencer time drift on same epoch with non-empty txs': 'DRIFT_EXCEEDED',
    'empty tx included': 'EMPTY_TRANSACTION',
    'deposit tx included': 'DEPOSIT',
  }

  it.each(Object.entries(reasons))('name why "%s" is dropped: %s', (name, reason) => {
    const vector = vectors.cases.find((each) => each.name === name)
    expect(vector && check(vector)).toEqual({ validity: 'drop', reason })
  })

  it('drop an empty batch that could have advanced its epoch, and a batch before its epoch', () => {
    const [epoch, next] = [l1Block('l1A'), l1Block('l1B')]
    const rules = { blockTime: 2n, seqWindowSize: 4n, maxSequencerDrift: 6n }
    const batch: SingularBatch = {
      parentHash: '0x01',
      epochNumber: epoch.number,
      epochHash: epoch.hash,
      timestamp: 1_008n,
      transactions: [],
    }
    const at = (timestamp: bigint, change: Partial<SingularBatch> = {}) =>
      checkSingularBatch({
        rules,
        l1Blocks: [epoch, next],
        parent: { hash: '0x01', timestamp: timestamp - 2n },
        batch: { ...batch, timestamp, ...change },
        inclusion: 102n,
      })
    expect(at(1_008n)).toEqual({ validity: 'drop', reason: 'EPOCH_NOT_ADVANCED' })
    const toNext = { epochNumber: next.number, epochHash: next.hash }
    expect(at(1_006n, toNext)).toEqual({ validity: 'drop', reason: 'BEFORE_EPOCH_TIME' })
    expect(at(1_008n, toNext)).toEqual({ validity: 'accept' })
  })

  describe('hold at their edges', () => {
    const [epoch, next] = [l1Block('l1A'), l1Block('l1B')]
    const rules = { blockTime: 2n, seqWindowSize: 4n, maxSequencerDrift: 6n }
    const transactions = [Uint8Array.of(0x4b)]
    const judge = (change: Partial<SingularBatch>, inclusion = epoch.number + 1n, following = next) => {
      const timestamp = change.timestamp ?? epoch.timestamp + 2n
      return checkSingularBatch({
        rules,
        l1Blocks: [epoch, following],
        parent: { hash: '0x01', timestamp: timestamp - 2n },
        batch: {
          parentHash: '0x01',
          epochNumber: epoch.number,
          epochHash: epoch.hash,
          timestamp,
          transactions,
          ...change,
        },
        inclusion,
      })
    }

    it('of the sequencing window: its last L1 block may carry a batch, the next may not', () => {
      expect(judge({}, epoch.number + 4n)).toEqual({ validity: 'accept' })
      expect(judge({}, epoch.number + 5n)).toEqual({ validity: 'drop', reason: 'TOO_LATE' })
    })

    it('of the drift: transactions up to the very second', () => {
      expect(judge({ timestamp: epoch.timestamp + 6n })).toEqual({ validity: 'accept' })
      expect(judge({ timestamp: epoch.timestamp + 7n })).toEqual({
        validity: 'drop',
        reason: 'DRIFT_EXCEEDED',
      })
    })

    it('of the next epoch: an empty batch stays behind until the very second it begins', () => {
      const later = { ...next, timestamp: epoch.timestamp + 10n }
      const stay = (timestamp: bigint) => judge({ timestamp, transactions: [] }, undefined, later)
      expect(stay(later.timestamp - 1n)).toEqual({ validity: 'accept' })
      expect(stay(later.timestamp)).toEqual({ validity: 'drop', reason: 'EPOCH_NOT_ADVANCED' })
    })

    it('of the epoch: a batch at the very time of its origin', () => {
      const toNext = { epochNumber: next.number, epochHash: next.hash }
      expect(judge({ ...toNext, timestamp: next.timestamp })).toEqual({ validity: 'accept' })
      expect(judge({ ...toNext, timestamp: next.timestamp - 1n })).toEqual({
        validity: 'drop',
        reason: 'BEFORE_EPOCH_TIME',
      })
      const beyond = { ...toNext, epochNumber: next.number + 1n }
      expect(judge(beyond)).toEqual({ validity: 'drop', reason: 'EPOCH_TOO_NEW' })
    })

    it('of every number a batch may name', () => {
      const near = (value: bigint, span: bigint) =>
        fc.oneof(
          { weight: 4, arbitrary: fc.bigInt({ min: value - span, max: value + span }) },
          { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
        )
      const timestamps = near(epoch.timestamp + rules.blockTime, 2n)
      const epochs = near(epoch.number, 2n)
      const inclusions = near(epoch.number + rules.seqWindowSize, 2n)
      const validities = new Set<string>()
      fc.assert(
        fc.property(
          timestamps,
          epochs,
          inclusions,
          fc.boolean(),
          (timestamp, epochNumber, inclusion, isEmpty) => {
            const { validity } = checkSingularBatch({
              rules,
              l1Blocks: [epoch, next],
              parent: { hash: '0x01', timestamp: epoch.timestamp },
              batch: {
                parentHash: '0x01',
                epochNumber,
                epochHash: epochNumber === next.number ? next.hash : epoch.hash,
                timestamp,
                transactions: isEmpty ? [] : transactions,
              },
              inclusion,
            })
            validities.add(validity)
            // Whatever is accepted is the next block's, on an origin that the chain may have, in its window.
            if (validity !== 'accept') return
            expect(timestamp).toBe(epoch.timestamp + rules.blockTime)
            expect([epoch.number, next.number]).toContain(epochNumber)
            expect(inclusion).toBeLessThanOrEqual(epochNumber + rules.seqWindowSize)
          },
        ),
        { numRuns: 5_000 },
      )
      expect(validities).toEqual(new Set(['accept', 'drop', 'past']))
    })
  })
})
