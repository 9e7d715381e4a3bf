import fc from 'fast-check'
import {
  type Hex,
  keccak256,
  numberToHex,
  serializeTransaction,
  type TransactionSerializable,
  toHex,
} from 'viem'
import { describe, expect, it } from 'vitest'
import {
  BLOB_BYTES,
  concat,
  decodeRlp,
  encodeRlp,
  fromHex,
  orderedTrieRoot,
  type RlpItem,
} from '../../protocol/index.ts'
import { fakeHash } from '../../test/chainFixtures.ts'
import type { L1Header } from './L1Header.ts'
import { l1TransactionsFromJson } from './L1Transaction.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

const uint = (bits: bigint) => fc.bigInt({ min: 0n, max: 2n ** bits - 1n })
const bytes = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((one) => toHex(one))
const hash = bytes(32)
const address = bytes(20)
const accessList = fc.array(fc.record({ address, storageKeys: fc.array(hash, { maxLength: 2 }) }), {
  maxLength: 2,
})
const signature = fc.record({ r: hash, s: hash, yParity: fc.constantFrom(0, 1) })
const authorization = fc.record({
  chainId: fc.nat(),
  address,
  nonce: fc.nat(),
  r: hash,
  s: hash,
  yParity: fc.constantFrom(0, 1),
})

const call = {
  nonce: fc.nat(),
  gas: uint(64n),
  value: uint(128n),
  data: bytes(0, 60),
  to: fc.option(address, { nil: undefined }),
}
const fees = {
  maxFeePerGas: fc.constant(2n ** 60n),
  maxPriorityFeePerGas: uint(60n),
  chainId: fc.integer({ min: 1 }),
  accessList,
}
const transaction: fc.Arbitrary<TransactionSerializable> = fc.oneof(
  fc.record({
    type: fc.constant('legacy' as const),
    gasPrice: uint(64n),
    chainId: fc.integer({ min: 1, max: 2 ** 31 }),
    ...call,
  }),
  fc.record({
    type: fc.constant('eip2930' as const),
    gasPrice: uint(64n),
    chainId: fc.integer({ min: 1 }),
    accessList,
    ...call,
  }),
  fc.record({ type: fc.constant('eip1559' as const), ...call, ...fees }),
  fc.record({
    type: fc.constant('eip4844' as const),
    ...call,
    ...fees,
    to: address,
    maxFeePerBlobGas: uint(64n),
    blobVersionedHashes: fc.array(
      hash.map((one): Hex => `0x01${one.slice(4)}`),
      { minLength: 1, maxLength: 3 },
    ),
  }),
  fc.record({
    type: fc.constant('eip7702' as const),
    ...call,
    ...fees,
    to: address,
    authorizationList: fc.array(authorization, { minLength: 1, maxLength: 2 }),
  }),
)

const TYPES = { legacy: '0x0', eip2930: '0x1', eip1559: '0x2', eip4844: '0x3', eip7702: '0x4' } as const
const quantity = (value: unknown): Hex =>
  numberToHex(typeof value === 'string' ? BigInt(value) : (value as bigint | number))

/** The JSON of an execution client, from the fields of viem. */
function toJson(tx: TransactionSerializable, { r, s, yParity }: { r: Hex; s: Hex; yParity: number }) {
  const v = tx.type === 'legacy' ? BigInt(tx.chainId ?? 0) * 2n + 35n + BigInt(yParity) : BigInt(yParity)
  const json: Record<string, unknown> = {
    input: tx.data,
    to: tx.to ?? null,
    type: TYPES[tx.type ?? 'legacy'],
  }
  for (const [name, value] of Object.entries(tx)) {
    if (typeof value === 'bigint' || typeof value === 'number') json[name] = quantity(value)
  }
  if ('accessList' in tx) json.accessList = tx.accessList
  if ('blobVersionedHashes' in tx) json.blobVersionedHashes = tx.blobVersionedHashes
  if ('authorizationList' in tx) {
    json.authorizationList = tx.authorizationList?.map((one) => ({
      chainId: quantity(one.chainId),
      address: one.address,
      nonce: quantity(one.nonce),
      r: quantity(one.r),
      s: quantity(one.s),
      yParity: quantity(one.yParity ?? 0),
    }))
  }
  return {
    ...json,
    r: quantity(r),
    s: quantity(s),
    v: quantity(v),
    ...(tx.type === 'legacy' ? {} : { yParity: quantity(yParity) }),
  }
}

function headerWith(raws: readonly Uint8Array[]): L1Header {
  const transactionsRoot = orderedTrieRoot(raws)
  const rest = { number: 1n, timestamp: 1n, baseFeePerGas: 1n, logsBloom: '0x' as Hex }
  const any = fakeHash('any')
  return {
    ...rest,
    transactionsRoot,
    hash: any,
    parentHash: any,
    stateRoot: any,
    receiptsRoot: any,
    mixHash: any,
    parentBeaconBlockRoot: any,
  }
}

describe('l1TransactionsFromJson', () => {
  it('makes of every type’s JSON the bytes that viem serializes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(transaction, signature), { maxLength: 4 }), (signed) => {
        const raws = signed.map(([tx, { r, s, yParity }]) =>
          fromHex(serializeTransaction(tx, { r, s, yParity, v: 27n + BigInt(yParity) })),
        )
        const header = headerWith(raws)
        const read = l1TransactionsFromJson(header, {
          transactions: signed.map(([tx, one]) => toJson(tx, one)),
        })
        expect(read.map(({ raw }) => toHex(raw))).toEqual(raws.map((raw) => toHex(raw)))
        expect(read.map(({ hash }) => hash)).toEqual(raws.map((raw) => keccak256(raw)))
        read.forEach(({ input, to, blobVersionedHashes }, i) => {
          const tx = signed[i]?.[0]
          expect([toHex(input), to]).toEqual([tx?.data, tx?.to])
          expect(blobVersionedHashes).toEqual(
            tx !== undefined && 'blobVersionedHashes' in tx ? tx.blobVersionedHashes : [],
          )
        })
      }),
      { numRuns: 150 },
    )
  })

  it('checks blob transactions of anvil, whose trie holds them with their sidecars', () => {
    const tx = {
      type: 'eip4844',
      chainId: 1,
      maxFeePerGas: 1n,
      maxPriorityFeePerGas: 1n,
      maxFeePerBlobGas: 1n,
      gas: 1n,
      nonce: 0,
      value: 0n,
      data: '0x',
      to: `0x${'aa'.repeat(20)}`,
      blobVersionedHashes: [`0x01${'bb'.repeat(31)}`],
    } as const
    const one = { r: fakeHash('r'), s: fakeHash('s'), yParity: 0 }
    const raw = fromHex(serializeTransaction(tx, { ...one, v: 27n }))
    const [blob, commitment, proof] = [BLOB_BYTES, 48, 48].map((width) => new Uint8Array(width).fill(7))
    if (blob === undefined || commitment === undefined || proof === undefined) expect.unreachable()
    const json = { ...toJson(tx, one), blobs: [toHex(blob)], commitments: [toHex(commitment)] }
    const proofs = Array.from({ length: 128 }, () => proof)
    const body = decodeRlp(raw.subarray(1))
    const wrap = (items: RlpItem[]) => concat(Uint8Array.of(3), encodeRlp([body, ...items]))
    const forms = [
      { leaf: wrap([[blob], [commitment], [proof]]), json: { ...json, proofs: [toHex(proof)] } },
      {
        leaf: wrap([Uint8Array.of(1), [blob], [commitment], proofs]),
        json: { ...json, cellProofs: proofs.map((each) => toHex(each)) },
      },
    ]
    for (const { leaf, json } of forms) {
      const [read] = l1TransactionsFromJson(headerWith([leaf]), { transactions: [json] })
      expect(read).toMatchObject({ hash: keccak256(raw), blobVersionedHashes: tx.blobVersionedHashes })
      const lie = { ...json, blobVersionedHashes: [`0x01${'cc'.repeat(31)}`] }
      expect(() => l1TransactionsFromJson(headerWith([leaf]), { transactions: [lie] })).toThrow(
        RefusedAnswerError,
      )
      expect(() => l1TransactionsFromJson(headerWith([raw]), { transactions: [json] })).toThrow(
        RefusedAnswerError,
      )
    }
  })

  it('refuses a transaction that is left out, of an unknown type, or malformed', () => {
    const tx = {
      type: 'legacy',
      gasPrice: 1n,
      gas: 1n,
      nonce: 0,
      value: 0n,
      data: '0x',
      to: undefined,
      chainId: 1,
    } as const
    const one = { r: fakeHash('r'), s: fakeHash('s'), yParity: 0 }
    const raw = fromHex(serializeTransaction(tx, { ...one, v: 27n }))
    const json = toJson(tx, one)
    expect(l1TransactionsFromJson(headerWith([raw]), { transactions: [json] })).toHaveLength(1)
    const wrong = [
      [],
      [json, json],
      [{ ...json, type: '0x7e' }],
      [{ ...json, value: 1 }],
      [{ ...json, input: '0x1' }],
      [null],
      'x',
      [fakeHash('only the hash')],
    ]
    for (const transactions of wrong) {
      expect(() => l1TransactionsFromJson(headerWith([raw]), { transactions })).toThrow(RefusedAnswerError)
    }
  })
})
