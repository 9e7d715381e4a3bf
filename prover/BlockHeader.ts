import type { Client, Hex } from 'viem'
import {
  fromHex,
  type L1HeaderFields,
  l1HeaderFromRlp,
  l1HeaderJsonToRlp,
  RlpError,
} from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import { LaggingError, type Party, WrongAnswerError } from './errors.ts'

/** The header of a block of L1, or of an OP Stack chain, with the RLP that hashes to its hash. */
export type BlockHeader = L1HeaderFields & { rlp: Uint8Array }

/** Whose header it is. An OP Stack chain's has the fields of L1's. */
export type HeaderParty = Extract<Party, 'L1 node' | 'parent node'>

/**
 * Reads the header with this hash from a node.
 *
 * @throws {LaggingError} when the node does not know it (yet).
 * @throws {WrongAnswerError} when the fields do not hash to it, or are none of a header.
 */
export async function getBlockHeader(party: HeaderParty, client: Client, hash: Hex): Promise<BlockHeader> {
  const json = await ask(party, client, 'eth_getBlockByHash', [hash, false])
  if (json === null) throw new LaggingError(party, `it does not know block ${hash}`)
  const block = toAnswer(party, `block ${hash}`, json)
  const rlp = l1HeaderJsonToRlp({
    has: block.has,
    bytes: (name, length) => fromHex(block.hex(name, length)),
    quantity: (name) => block.quantity(name, 256),
  })
  const header = decodeHeader(party, hash, rlp)
  if (header.hash !== hash.toLowerCase()) {
    throw new WrongAnswerError(
      party,
      `the fields of block ${hash} hash to ${header.hash}, or its chain has a fork unknown here`,
    )
  }
  return { ...header, rlp }
}

function decodeHeader(party: HeaderParty, hash: Hex, rlp: Uint8Array): L1HeaderFields {
  try {
    return l1HeaderFromRlp(rlp)
  } catch (cause) {
    if (!(cause instanceof RlpError)) throw cause
    throw new WrongAnswerError(party, `the fields of block ${hash} are no header: ${cause.message}`, {
      cause,
    })
  }
}
