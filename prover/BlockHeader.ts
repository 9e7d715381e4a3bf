import type { Client, Hex } from 'viem'
import {
  encodeRlp,
  fromHex,
  type JsonObject,
  type L1HeaderFields,
  l1HeaderFromRlp,
  type RlpItem,
  uintToRlp,
} from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import { LaggingError, type Party, WrongAnswerError } from './errors.ts'

/** The header of a block of L1, or of an OP Stack chain, with the RLP that hashes to its hash. */
export type BlockHeader = L1HeaderFields & { rlp: Uint8Array }

/** The fields of a header in their order, by their names in JSON; those from `withdrawalsRoot` on came with later forks. */
const FIELDS: readonly [name: string, kind: 'quantity' | 'bytes'][] = [
  ['parentHash', 'bytes'],
  ['sha3Uncles', 'bytes'],
  ['miner', 'bytes'],
  ['stateRoot', 'bytes'],
  ['transactionsRoot', 'bytes'],
  ['receiptsRoot', 'bytes'],
  ['logsBloom', 'bytes'],
  ['difficulty', 'quantity'],
  ['number', 'quantity'],
  ['gasLimit', 'quantity'],
  ['gasUsed', 'quantity'],
  ['timestamp', 'quantity'],
  ['extraData', 'bytes'],
  ['mixHash', 'bytes'],
  ['nonce', 'bytes'],
  ['baseFeePerGas', 'quantity'],
  ['withdrawalsRoot', 'bytes'],
  ['blobGasUsed', 'quantity'],
  ['excessBlobGas', 'quantity'],
  ['parentBeaconBlockRoot', 'bytes'],
  ['requestsHash', 'bytes'],
]
const LONDON_FIELDS = 16

/** Whose header it is. An OP Stack chain's has the fields of L1's. */
export type HeaderParty = Extract<Party, 'L1 node' | 'parent node'>

/**
 * Reads the header with this hash from a node.
 *
 * @throws {LaggingError} when the node does not know it (yet).
 * @throws {WrongAnswerError} when the fields do not hash to it.
 */
export async function getBlockHeader(party: HeaderParty, client: Client, hash: Hex): Promise<BlockHeader> {
  const json = await ask(party, client, 'eth_getBlockByHash', [hash, false])
  if (json === null) throw new LaggingError(party, `it does not know block ${hash}`)
  const rlp = encodeRlp(headerItems(toAnswer(party, `block ${hash}`, json)))
  const header = l1HeaderFromRlp(rlp)
  if (header.hash !== hash.toLowerCase()) {
    throw new WrongAnswerError(
      party,
      `the fields of block ${hash} hash to ${header.hash}, or its chain has a fork unknown here`,
    )
  }
  return { ...header, rlp }
}

function headerItems(block: JsonObject): RlpItem[] {
  // Fields are positional: after the first absent one nothing can follow.
  const absent = FIELDS.findIndex(([name], index) => index >= LONDON_FIELDS && !block.has(name))
  const present = absent < 0 ? FIELDS : FIELDS.slice(0, absent)
  return present.map(([name, kind]) =>
    kind === 'bytes' ? fromHex(block.hex(name)) : uintToRlp(block.quantity(name, 256)),
  )
}
