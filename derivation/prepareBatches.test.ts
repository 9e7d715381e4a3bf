import { expect, it } from 'vitest'
import {
  batchToBytes,
  encodeBatcherData,
  encodeChannel,
  frameToBytes,
  type SingularBatch,
  ZERO_HASH,
} from '../protocol/index.ts'
import { createFakeL1Rollup, openTestNode } from '../test/derivationWorld.ts'
import { createFakeL1 } from '../test/FakeL1.ts'
import { createTestKeystore } from '../test/TestKeystore.ts'
import { createTestSigner } from '../test/testSigners.ts'
import { createDecoder } from './Decoder.ts'
import { createPreparation } from './prepareBatches.ts'

const l1 = createFakeL1({ chainId: 31_337n, number: 100n, timestamp: 1_000_000n })
const rollup = createFakeL1Rollup(l1)

/** Prepares a datum, and tells how much was decoded and how many signatures were expected. */
async function prepare(datum: Uint8Array, failure?: Error) {
  const { store } = await openTestNode(rollup, l1.client)
  const decoder = createDecoder()
  const seen = { batches: 0, transactions: 0, signatures: 0 }
  const warned: unknown[] = []
  createPreparation({
    decoder: {
      ...decoder,
      batch(bytes) {
        seen.batches++
        return decoder.batch(bytes)
      },
      setConfig(raw, chainId) {
        seen.transactions++
        return decoder.setConfig(raw, chainId)
      },
    },
    expect: () => {
      seen.signatures++
      if (failure !== undefined) throw failure
    },
    store,
    rollup,
    logger: { warn: (about: unknown) => warned.push(about) },
  })(datum)
  expect(warned).toEqual(failure === undefined ? [] : [{ err: failure }])
  return seen
}

const update = (name: string) => createTestKeystore(rollup.l2ChainId, name).update().raw
const batchOf = (...transactions: readonly Uint8Array[]): SingularBatch => ({
  parentHash: ZERO_HASH,
  epochNumber: 1n,
  epochHash: ZERO_HASH,
  timestamp: 1n,
  transactions,
})
const datumOf = (batches: readonly Uint8Array[]) =>
  Uint8Array.of(
    0,
    ...frameToBytes({
      channelId: `0x${'00'.repeat(16)}`,
      number: 0,
      data: encodeChannel(batches),
      isLast: true,
    }),
  )

it('expects the signatures of every set-config in a channel', async () => {
  const datum = encodeBatcherData([batchOf(update('a'), update('b')), batchOf(update('c'))])
  expect(await prepare(datum)).toEqual({ batches: 2, transactions: 3, signatures: 3 })
})

it('expects the signatures of the signers to come too, where they signed', async () => {
  const rotation = (isLockout: boolean) =>
    createTestKeystore(rollup.l2ChainId, 'a').update({ signers: [createTestSigner(1, 'b')], isLockout }).raw
  const datum = encodeBatcherData([batchOf(rotation(false), rotation(true))])
  expect(await prepare(datum)).toEqual({ batches: 1, transactions: 2, signatures: 3 })
})

it('looks at no more of a channel than derivation does: up to what makes the rest worthless', async () => {
  const garbage = Array.from({ length: 1_000 }, () => Uint8Array.of(0))
  const good = batchToBytes(batchOf(update('a')))
  expect(await prepare(datumOf([good, ...garbage, good]))).toEqual({
    batches: 2,
    transactions: 1,
    signatures: 1,
  })
  const spoiled = batchToBytes(batchOf(update('a'), ...garbage))
  expect(await prepare(datumOf([spoiled, good]))).toEqual({ batches: 1, transactions: 2, signatures: 1 })
})

it('looks at nothing in a datum that is none', async () => {
  expect(await prepare(Uint8Array.of(0, 1, 2))).toEqual({ batches: 0, transactions: 0, signatures: 0 })
})

it('fails nobody who derives: what goes wrong ahead of time is logged', async () => {
  const datum = encodeBatcherData([batchOf(update('a'), update('b'))])
  const seen = await prepare(datum, new RangeError('no more threads'))
  expect(seen).toEqual({ batches: 1, transactions: 1, signatures: 1 })
})
