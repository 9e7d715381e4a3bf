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
import { LaggingError, WrongAnswerError } from './errors.ts'

/** An L1 header, with the RLP that hashes to its hash. */
export type L1Header = L1HeaderFields & { rlp: Uint8Array }

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

/**
 * Reads the header with this hash from L1.
 *
 * @throws {LaggingError} when L1 does not know it (yet).
 * @throws {WrongAnswerError} when the fields do not hash to it.
 */
export async function getL1Header(l1: Client, hash: Hex): Promise<L1Header> {
  const json = await ask('L1 node', l1, 'eth_getBlockByHash', [hash, false])
  if (json === null) throw new LaggingError('L1 node', `it does not know block ${hash}`)
  const rlp = encodeRlp(headerItems(toAnswer('L1 node', `block ${hash}`, json)))
  const header = l1HeaderFromRlp(rlp)
  if (header.hash !== hash.toLowerCase()) {
    throw new WrongAnswerError(
      'L1 node',
      `the fields of block ${hash} hash to ${header.hash}, or L1 has a fork unknown here`,
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
