import fc from 'fast-check'
import { encodeAbiParameters, type Hex } from 'viem'
import { describe, expect, it } from 'vitest'
import vectors from '../test/vectors/deposits.json' with { type: 'json' }
import outputRoots from '../test/vectors/output_root.json' with { type: 'json' }
import sourceHashes from '../test/vectors/source_hashes.json' with { type: 'json' }
import { transactionHash } from './Block.ts'
import { concat, fromHex, keccakHex, toHex } from './bytes.ts'
import { ZERO_HASH } from './constants.ts'
import {
  DEPOSIT_RECORDED_TOPIC,
  type Deposit,
  DepositLogError,
  depositFromBytes,
  depositFromLog,
  depositsFromLogs,
  depositToBytes,
  type PortalLog,
  TRANSACTION_DEPOSITED_TOPIC,
  userDepositSourceHash,
} from './Deposit.ts'
import { outputRoot } from './OutputRoot.ts'
import { encodeRlp, RlpError, uintToRlp } from './Rlp.ts'

const portal: Hex = `0x${'aa'.repeat(20)}`
const bytesOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(toHex)
const deposit: fc.Arbitrary<Deposit> = fc.record({
  sourceHash: bytesOf(32),
  from: bytesOf(20),
  to: fc.option(bytesOf(20), { nil: undefined }),
  mint: fc.bigInt({ min: 0n, max: 2n ** 128n - 1n }),
  value: fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }),
  gas: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  isSystemTx: fc.boolean(),
  data: fc.uint8Array({ maxLength: 100 }),
})

describe('deposits', () => {
  it('are read from logs as kona reads them', () => {
    expect(TRANSACTION_DEPOSITED_TOPIC).toBe(vectors.topic0)
    for (const vector of vectors.cases) {
      if (vector.log_data === undefined) continue
      const log: PortalLog = {
        address: portal,
        topics: [vectors.topic0, vector.topic_from, vector.topic_to, vector.topic_version] as Hex[],
        data: vector.log_data as Hex,
      }
      const sourceHash = userDepositSourceHash(vector.l1BlockHash as Hex, BigInt(vector.logIndex))
      expect(toHex(depositToBytes(depositFromLog(log, sourceHash)))).toBe(vector.expected_tx)
    }
  })

  it('of the OP Stack come back from their bytes, with their hash', () => {
    for (const vector of vectors.cases) {
      const raw = fromHex((vector.raw_tx ?? vector.expected_tx) as Hex)
      expect(depositToBytes(depositFromBytes(raw))).toEqual(raw)
      if (vector.computed_tx_hash !== undefined) expect(transactionHash(raw)).toBe(vector.computed_tx_hash)
    }
  })

  it('come back from their bytes', () => {
    fc.assert(
      fc.property(deposit, (value) => {
        expect(depositFromBytes(depositToBytes(value))).toEqual(value)
      }),
    )
  })

  it('come back from the logs that the portal writes', () => {
    fc.assert(
      fc.property(
        deposit,
        bytesOf(32),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        (value, l1BlockHash, index) => {
          const logs = [depositedLog(value), recordedLog(index)]
          const deposit = {
            ...value,
            isSystemTx: false,
            sourceHash: userDepositSourceHash(l1BlockHash, index),
          }
          expect(depositsFromLogs(l1BlockHash, portal, logs)).toEqual([{ index, deposit }])
        },
      ),
    )
  })

  const sample = fc.sample(deposit, 1)[0] as Deposit
  const good = depositedLog(sample)
  const topics = good.topics as [Hex, Hex, Hex, Hex]

  it.each<[string, PortalLog, PortalLog]>([
    ['a topic missing', { ...good, topics: topics.slice(0, 3) }, recordedLog(0n)],
    ['version 1', { ...good, topics: topics.with(3, toHex(word(1n))) }, recordedLog(0n)],
    ['too little opaque data', { ...good, data: abiBytes(new Uint8Array(72)) }, recordedLog(0n)],
    [
      'a mint of 2^128',
      { ...good, data: abiBytes(concat(word(1n << 128n), new Uint8Array(41))) },
      recordedLog(0n),
    ],
    ['no ABI bytes', { ...good, data: '0x' }, recordedLog(0n)],
    ['a length beyond the data', { ...good, data: toHex(concat(word(32n), word(1_000n))) }, recordedLog(0n)],
    ['an offset that is not 32', { ...good, data: withWord(good.data, 0, 33n) }, recordedLog(0n)],
    [
      'a length a byte beyond the data',
      { ...good, data: withWord(abiBytes(new Uint8Array(96)), 1, 97n) },
      recordedLog(0n),
    ],
    ['another log after it', good, good],
    ['another event of the portal after it', good, { ...recordedLog(0n), topics: [ZERO_HASH, ZERO_HASH] }],
    [
      'a DepositRecorded with a topic more after it',
      good,
      { ...recordedLog(0n), topics: [DEPOSIT_RECORDED_TOPIC, ZERO_HASH, ZERO_HASH] },
    ],
    ["another contract's log after it", good, { ...recordedLog(0n), address: `0x${'bb'.repeat(20)}` }],
  ])('are refused from logs with %s', (_name, deposited, recorded) => {
    expect(() => depositsFromLogs(ZERO_HASH, portal, [deposited, recorded])).toThrow(DepositLogError)
  })

  it('are not read from another event of the portal', () => {
    const other: PortalLog = { ...good, topics: topics.with(0, ZERO_HASH) }
    expect(() => depositFromLog(other, ZERO_HASH)).toThrow(DepositLogError)
  })

  it('are refused from logs that end between the two', () => {
    expect(() => depositsFromLogs(ZERO_HASH, portal, [good])).toThrow(DepositLogError)
  })

  it('are found among the logs of others, in their order', () => {
    const stranger: PortalLog = { ...good, address: `0x${'bb'.repeat(20)}` }
    const other: PortalLog = { ...good, topics: [ZERO_HASH, ...topics.slice(1)] }
    const logs = [stranger, good, recordedLog(7n), other, recordedLog(1n), good, recordedLog(8n), stranger]
    expect(depositsFromLogs(ZERO_HASH, portal, logs).map(({ index }) => index)).toEqual([7n, 8n])
    expect(depositsFromLogs(ZERO_HASH, portal, [])).toEqual([])
  })

  it.each<[string, Uint8Array]>([
    ['another type', depositToBytes(sample).with(0, 0x4b)],
    ['no fields', Uint8Array.of(0x7e, ...encodeRlp([]))],
    ['bytes after them', Uint8Array.of(...depositToBytes(sample), 0)],
    ['a mint of 2^128', withField(3, 2n ** 128n)],
    ['a value of 2^256', withField(4, 2n ** 256n)],
    ['gas of 2^64', withField(5, 2n ** 64n)],
    ['an isSystemTx of 2', withField(6, 2n)],
  ])('are refused from bytes with %s', (_name, bytes) => {
    expect(() => depositFromBytes(bytes)).toThrow(RlpError)
  })
})

it('source hashes of user deposits are those of the OP Stack', () => {
  const users = sourceHashes.cases.filter(({ type }) => type === 'user')
  expect(users).not.toHaveLength(0)
  for (const { l1BlockHash, logIndex, expected } of users) {
    expect(userDepositSourceHash(l1BlockHash as Hex, BigInt(logIndex as number))).toBe(expected)
  }
})

it('source hashes of user deposits name the index as a word, however large', () => {
  fc.assert(
    fc.property(bytesOf(32), fc.bigInt({ min: 0n, max: 2n ** 256n - 1n }), (l1BlockHash, index) => {
      const identifier = keccakHex(concat(fromHex(l1BlockHash), word(index)))
      const expected = keccakHex(concat(word(0n), fromHex(identifier)))
      expect(userDepositSourceHash(l1BlockHash, index)).toBe(expected)
    }),
  )
})

it('output roots are those of the OP Stack', () => {
  for (const { stateRoot, withdrawalStorageRoot, blockHash, expected } of outputRoots.cases) {
    const output = { stateRoot, keystoreRoot: withdrawalStorageRoot, blockHash } as Record<string, Hex>
    expect(outputRoot(output as Parameters<typeof outputRoot>[0])).toBe(expected)
  }
})

function depositedLog(value: Deposit): PortalLog {
  const gas = new Uint8Array(8)
  new DataView(gas.buffer).setBigUint64(0, value.gas)
  const isCreation = Uint8Array.of(value.to === undefined ? 1 : 0)
  return {
    address: portal,
    topics: [
      TRANSACTION_DEPOSITED_TOPIC,
      addressTopic(value.from),
      addressTopic(value.to ?? `0x${'00'.repeat(20)}`),
      ZERO_HASH,
    ],
    data: abiBytes(concat(word(value.mint), word(value.value), gas, isCreation, value.data)),
  }
}

function recordedLog(index: bigint): PortalLog {
  return { address: portal, topics: [DEPOSIT_RECORDED_TOPIC, toHex(word(index))], data: ZERO_HASH }
}

function abiBytes(bytes: Uint8Array): Hex {
  return encodeAbiParameters([{ type: 'bytes' }], [toHex(bytes)])
}

/** Puts another word into ABI-encoded data. */
function withWord(data: Hex, index: number, value: bigint): Hex {
  const bytes = fromHex(data).slice()
  bytes.set(word(value), 32 * index)
  return toHex(bytes)
}

/** Encodes a deposit of zeros in which one field is another number. */
function withField(index: number, value: bigint): Uint8Array {
  const zeros = [new Uint8Array(32), new Uint8Array(20), ...Array<Uint8Array>(6).fill(new Uint8Array())]
  return Uint8Array.of(0x7e, ...encodeRlp(zeros.with(index, uintToRlp(value))))
}

function addressTopic(address: Hex): Hex {
  return `0x${'00'.repeat(12)}${address.slice(2)}`
}

function word(value: bigint): Uint8Array {
  return fromHex(`0x${value.toString(16).padStart(64, '0')}`)
}
