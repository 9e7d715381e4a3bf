import { encodeRlp, type RlpItem, uintToRlp } from './Rlp.ts'

/** The JSON of an L1 block, whose fields its reader checks: each function throws the reader's own error. */
export type L1BlockJson = {
  /** Whether the field is there and not null. */
  has(name: string): boolean
  /** A field of hex bytes, of an exact length where one is given. */
  bytes(name: string, length?: number): Uint8Array
  /** A field that is a hex quantity below 2^256. */
  quantity(name: string): bigint
}

type Read = (block: L1BlockJson, name: string) => RlpItem
const quantity: Read = (block, name) => uintToRlp(block.quantity(name))
const bytes: Read = (block, name) => block.bytes(name)
const fixed =
  (length: number): Read =>
  (block, name) =>
    block.bytes(name, length)

/** A header's fields in their order, by the names that JSON-RPC gives them: Ethereum's up to London, then what each fork appended. */
const FIELDS: readonly [name: string, read: Read][] = [
  ['parentHash', fixed(32)],
  ['sha3Uncles', fixed(32)],
  ['miner', fixed(20)],
  ['stateRoot', fixed(32)],
  ['transactionsRoot', fixed(32)],
  ['receiptsRoot', fixed(32)],
  ['logsBloom', fixed(256)],
  ['difficulty', quantity],
  ['number', quantity],
  ['gasLimit', quantity],
  ['gasUsed', quantity],
  ['timestamp', quantity],
  ['extraData', bytes],
  ['mixHash', fixed(32)],
  ['nonce', fixed(8)],
  ['baseFeePerGas', quantity],
  // Shanghai, Cancun, Prague
  ['withdrawalsRoot', fixed(32)],
  ['blobGasUsed', quantity],
  ['excessBlobGas', quantity],
  ['parentBeaconBlockRoot', fixed(32)],
  ['requestsHash', fixed(32)],
  // Amsterdam: EIP-7928, EIP-7843
  ['blockAccessListHash', fixed(32)],
  ['slotNumber', quantity],
]
const LONDON_FIELDS = 16

/** Encodes the header of an L1 block, of London or later, from the block's JSON. Whether it has the hash that the JSON claims is for the caller to check. */
export function l1HeaderJsonToRlp(block: L1BlockJson): Uint8Array {
  const items: RlpItem[] = []
  for (const [name, read] of FIELDS) {
    // Fields are positional: after the first absent one nothing can follow.
    if (items.length >= LONDON_FIELDS && !block.has(name)) break
    items.push(read(block, name))
  }
  return encodeRlp(items)
}
