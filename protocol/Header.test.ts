import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import l1Sepolia from '../test/vectors/proof_l1_sepolia_9567705.json' with { type: 'json' }
import { type Block, blockFromRlp, blockToRlp } from './Block.ts'
import { EMPTY_BLOOM } from './Bloom.ts'
import { fromHex, toHex } from './bytes.ts'
import { KEYSTORE_ADDRESS, ZERO_HASH } from './constants.ts'
import { decodeExtraData, encodeExtraData } from './ExtraData.ts'
import { type Header, headerFromRlp, headerHash, headerToRlp, l1HeaderFromRlp } from './Header.ts'
import { decodeRlp, encodeRlp, RlpError, type RlpItem } from './Rlp.ts'

const word = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(toHex)
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const header: fc.Arbitrary<Header> = fc.record({
  parentHash: word,
  ommersHash: word,
  beneficiary: fc.constant(KEYSTORE_ADDRESS),
  stateRoot: word,
  transactionsRoot: word,
  receiptsRoot: word,
  logsBloom: fc.constant(EMPTY_BLOOM),
  difficulty: uint64,
  number: uint64,
  gasLimit: uint64,
  gasUsed: uint64,
  timestamp: uint64,
  extraData: fc.uint8Array({ maxLength: 32 }).map(toHex),
  mixHash: word,
  nonce: fc.constant('0x0000000000000000'),
  baseFeePerGas: uint64,
  withdrawalsRoot: word,
  blobGasUsed: uint64,
  excessBlobGas: uint64,
  parentBeaconBlockRoot: word,
  requestsHash: word,
})

const realHeader = fromHex(l1Sepolia.rlpBlockHeader as `0x${string}`)

describe('a header', () => {
  it('comes back from its RLP', () => {
    fc.assert(
      fc.property(header, (value) => {
        expect(headerFromRlp(headerToRlp(value))).toEqual(value)
      }),
    )
  })

  it('hashes as Ethereum hashes: a real one of 21 fields keeps its hash', () => {
    const value = headerFromRlp(realHeader)
    expect(headerHash(value)).toBe(l1Sepolia.blockHash)
    expect(value.stateRoot).toBe(l1Sepolia.stateRoot)
    expect(value.number).toBe(BigInt(l1Sepolia.blockNumber))
  })

  it('is refused with a field too many, too few or too wide', () => {
    const fields = decodeRlp(realHeader) as RlpItem[]
    for (const wrong of [
      fields.slice(0, -1),
      [...fields, Uint8Array.of()],
      fields.with(0, new Uint8Array(31)),
      fields.with(8, new Uint8Array(9).fill(1)),
      fields.with(6, []),
    ]) {
      expect(() => headerFromRlp(encodeRlp(wrong))).toThrow(RlpError)
    }
  })
})

describe('an L1 header', () => {
  it('is read from its RLP with the hash of its bytes', () => {
    const { hash, ...fields } = l1HeaderFromRlp(realHeader)
    expect(hash).toBe(l1Sepolia.blockHash)
    expect(headerFromRlp(realHeader)).toMatchObject(fields)
    expect(l1HeaderFromRlp(realHeader)).toMatchObject({
      hash: l1Sepolia.blockHash,
      stateRoot: l1Sepolia.stateRoot,
      number: BigInt(l1Sepolia.blockNumber),
      parentBeaconBlockRoot: headerFromRlp(realHeader).parentBeaconBlockRoot,
    })
  })

  it('may have the fields of later forks, and may lack those since Shanghai', () => {
    const fields = decodeRlp(realHeader) as RlpItem[]
    expect(l1HeaderFromRlp(encodeRlp([...fields, new Uint8Array(32)])).stateRoot).toBe(l1Sepolia.stateRoot)
    expect(l1HeaderFromRlp(encodeRlp(fields.slice(0, 16))).parentBeaconBlockRoot).toBeUndefined()
    expect(() => l1HeaderFromRlp(encodeRlp(fields.slice(0, 15)))).toThrow(RlpError)
  })
})

describe('extraData', () => {
  it('carries every origin number and sequence number', () => {
    fc.assert(
      fc.property(uint64, uint64, (l1OriginNumber, sequenceNumber) => {
        const encoded = encodeExtraData({ l1OriginNumber, sequenceNumber })
        expect(encoded).toHaveLength(2 + 32)
        expect(decodeExtraData(encoded)).toEqual({ l1OriginNumber, sequenceNumber })
      }),
    )
  })

  it('is refused at another length', () => {
    expect(() => decodeExtraData(ZERO_HASH)).toThrow(/16 bytes/)
  })
})

describe('a block', () => {
  it('comes back from its RLP with its hash', () => {
    const transactions = fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 4 })
    fc.assert(
      fc.property(header, transactions, (value, raws) => {
        const block: Block = { header: value, hash: headerHash(value), transactions: raws }
        expect(blockFromRlp(blockToRlp(block))).toEqual(block)
      }),
    )
  })
})
