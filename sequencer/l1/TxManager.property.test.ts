import fc from 'fast-check'
import { Registry } from 'prom-client'
import { hexToString } from 'viem'
import { expect, it } from 'vitest'
import { createLogger, createMemoryDatabase, createOpaqueBucket, TemporaryFault } from '../../node/index.ts'
import { decodeBlob, encodeBlob } from '../../protocol/index.ts'
import { fakeKzg } from '../../test/FakeKzg.ts'
import { createFakeL1Sender } from '../../test/FakeL1Sender.ts'
import type { PooledTransaction } from '../../test/l1Pool.ts'
import { createSequencerMetrics } from '../metrics.ts'
import type { TransactionKind } from './Fees.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager } from './TxManager.ts'

const inbox = `0x${'ab'.repeat(20)}` as const
const gwei = 1_000_000_000n
const { resubmitAfterMs } = DEFAULT_TX_MANAGER_OPTIONS

type Step =
  | { do: 'send'; kind: TransactionKind }
  | { do: 'mine' | 'include' | 'poll' | 'forget' | 'crash' }
  | { do: 'reorg'; depth: number }
  | { do: 'reprice'; baseFee: bigint; blobBaseFee: bigint }
  | { do: 'wait'; quarters: number }

const fee = fc.bigInt({ min: 1n, max: 100n * gwei })
const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      kind: fc.constantFrom<TransactionKind>('calldata', 'blobs'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('mine' as const, 'include' as const, 'poll' as const) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('forget' as const, 'crash' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('reorg' as const), depth: fc.integer({ min: 1, max: 3 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('reprice' as const), baseFee: fee, blobBaseFee: fee }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), quarters: fc.integer({ min: 1, max: 5 }) }),
  },
)

const referenceOf = ({ data, blobs: [blob] }: PooledTransaction) =>
  blob === undefined ? hexToString(data) : new TextDecoder().decode(decodeBlob(blob))

it('gets everything into blocks once and in order, whatever prices, pools, reorgs and crashes do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(arbitraryStep, { maxLength: 40 }), async (steps) => {
      const l1 = createFakeL1Sender()
      l1.blobBaseFee = gwei
      for (let i = 0; i < 4; i++) l1.mine()
      const database = createMemoryDatabase()
      const metrics = createSequencerMetrics(new Registry())
      let clock = 0
      const open = () =>
        openTxManager({
          sender: l1,
          kzg: fakeKzg,
          privateKey: `0x${'11'.repeat(32)}`,
          chainId: 900n,
          bucket: createOpaqueBucket(database, 'batcher'),
          name: 'batcher',
          options: DEFAULT_TX_MANAGER_OPTIONS,
          logger: createLogger({ level: 'silent' }),
          metrics,
          now: () => clock,
        })
      let manager = await open()
      const references: string[] = []

      async function send(kind: TransactionKind): Promise<void> {
        const reference = `transaction ${references.length}`
        const bytes = new TextEncoder().encode(reference)
        const content =
          kind === 'blobs' ? { data: new Uint8Array(), blobs: [encodeBlob(bytes)] } : { data: bytes }
        try {
          await manager.send({ to: inbox, reference, ...content })
          references.push(reference)
        } catch (error) {
          // The other kind is waiting: nothing was sent.
          expect(error).toBeInstanceOf(TemporaryFault)
        }
      }

      async function take(step: Step): Promise<void> {
        if (step.do === 'send') await send(step.kind)
        if (step.do === 'mine') l1.mine()
        if (step.do === 'include') l1.mine()
        if (step.do === 'poll' || step.do === 'include') await manager.poll()
        if (step.do === 'forget') l1.forgetPool()
        if (step.do === 'crash') manager = await open()
        if (step.do === 'reorg') l1.reorg(step.depth)
        if (step.do === 'wait') clock += (step.quarters * resubmitAfterMs) / 4
        if (step.do === 'reprice') {
          l1.baseFee = step.baseFee
          l1.blobBaseFee = step.blobBaseFee
        }
      }

      for (const step of steps) {
        // Of four blocks at the beginning, reorgs never take the first.
        const { latest } = await l1.heads()
        if (step.do !== 'reorg' || latest > BigInt(step.depth)) await take(step)
      }
      for (let round = 0; round < 100 && l1.mined().length < references.length; round++) {
        clock += resubmitAfterMs / 4
        await manager.poll()
        l1.mine()
      }
      await manager.poll()
      // A reorg may bring a transaction back behind one of the other kind: then its nonce is given up, and carries nothing.
      const attempts = (await metrics.l1Sent.get()).values.filter(({ value }) => value > 0)
      const hasReorg = steps.some((step) => step.do === 'reorg')
      const hasCancelled = hasReorg && attempts.some(({ labels }) => labels.attempt === 'cancelling')
      const carried = l1.mined().map(referenceOf)
      expect(carried).toEqual(references.map((each, i) => (hasCancelled && carried[i] === '' ? '' : each)))
      expect(manager.waitingKind()).toBeUndefined()
      const refused = (await metrics.l1Refused.get()).values.filter(({ value }) => value > 0)
      const outcomes = refused.map(({ labels }) => labels.outcome)
      if (!hasReorg) expect(outcomes).not.toContain('otherKindPending')
      await database.close()
    }),
    { numRuns: 60 },
  )
})
