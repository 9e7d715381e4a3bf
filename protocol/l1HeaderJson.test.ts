import { type BlockHeader, createBlockHeader } from '@ethereumjs/block'
import { Common, Hardfork, Mainnet } from '@ethereumjs/common'
import fc from 'fast-check'
import { hexToBigInt, hexToBytes } from 'viem'
import { describe, expect, it } from 'vitest'
import { toHex } from './bytes.ts'
import { l1HeaderFromRlp } from './Header.ts'
import { type L1BlockJson, l1HeaderJsonToRlp } from './l1HeaderJson.ts'

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

/** The fields that the other implementation does not insist on, the optional ones included. */
const fields = fc.record({
  parentHash: bytes(32),
  coinbase: bytes(20),
  stateRoot: bytes(32),
  transactionsTrie: bytes(32),
  receiptTrie: bytes(32),
  logsBloom: bytes(256),
  number: uint64,
  gasLimit: uint64,
  timestamp: uint64,
  extraData: fc.uint8Array({ maxLength: 32 }),
  mixHash: bytes(32),
  baseFeePerGas: uint64,
  slotNumber: uint64,
  blockAccessListHash: bytes(32),
  requestsHash: bytes(32),
  parentBeaconBlockRoot: bytes(32),
  blobGasUsed: fc.constant(131_072n),
  excessBlobGas: uint64,
  withdrawalsRoot: bytes(32),
})

/** What each fork's headers have beside London's fields. */
const SINCE_LONDON: readonly [Hardfork, readonly (keyof BlockHeader & string)[]][] = [
  [Hardfork.London, []],
  [Hardfork.Paris, []],
  [Hardfork.Shanghai, ['withdrawalsRoot']],
  [Hardfork.Cancun, ['blobGasUsed', 'excessBlobGas', 'parentBeaconBlockRoot']],
  [Hardfork.Prague, ['requestsHash']],
  [Hardfork.Osaka, []],
  [Hardfork.Amsterdam, ['blockAccessListHash', 'slotNumber']],
]
const NAMES: Readonly<Record<string, string>> = {
  uncleHash: 'sha3Uncles',
  coinbase: 'miner',
  transactionsTrie: 'transactionsRoot',
  receiptTrie: 'receiptsRoot',
}

/** A block as JSON-RPC tells it, to be read without checks. */
function toReader(header: BlockHeader): L1BlockJson {
  const json = Object.fromEntries(
    Object.entries(header.toJSON()).map(([name, value]) => [NAMES[name] ?? name, value as `0x${string}`]),
  )
  const field = (name: string) => json[name] ?? expect.unreachable(`there is no ${name}`)
  return {
    has: (name) => json[name] !== undefined,
    bytes: (name) => hexToBytes(field(name)),
    quantity: (name) => hexToBigInt(field(name)),
  }
}

describe('the header in the JSON of an L1 block', () => {
  it.each(SINCE_LONDON)('of %s hashes as with EthereumJS', (hardfork) => {
    const common = new Common({ chain: Mainnet, hardfork })
    const since = SINCE_LONDON.slice(0, SINCE_LONDON.findIndex(([fork]) => fork === hardfork) + 1)
    const appended = since.flatMap(([, names]) => names)
    fc.assert(
      fc.property(fields, (all) => {
        const optional = SINCE_LONDON.flatMap(([, names]) => names)
        const known = Object.fromEntries(
          Object.entries(all).filter(
            ([name]) => !optional.includes(name as never) || appended.includes(name as never),
          ),
        )
        const header = createBlockHeader(known, { common, skipConsensusFormatValidation: true })
        const rlp = l1HeaderJsonToRlp(toReader(header))
        expect(toHex(rlp)).toBe(toHex(header.serialize()))
        expect(l1HeaderFromRlp(rlp)).toMatchObject({ hash: toHex(header.hash()), number: all.number })
      }),
      { numRuns: 20 },
    )
  })

  it('ends with the first field that is absent: what stands behind it is none of the header', () => {
    const common = new Common({ chain: Mainnet, hardfork: Hardfork.Prague })
    const header = createBlockHeader({ number: 7n }, { common, skipConsensusFormatValidation: true })
    const reader = toReader(header)
    const withSlot = { ...reader, has: (name: string) => name === 'slotNumber' || reader.has(name) }
    expect(l1HeaderJsonToRlp(withSlot)).toEqual(header.serialize())
  })
})
