import { type Address, type Client, type Hex, numberToHex } from 'viem'
import { fromHex, KeyrollError, provenStorageRoot, provenStorageWord } from '../protocol/index.ts'
import { answeredAt, ask, toAnswer } from './ask.ts'
import type { BlockHeader, HeaderParty } from './BlockHeader.ts'
import { WrongAnswerError } from './errors.ts'

/** A storage slot of an account in the state of a block, proven. */
export type ProvenStorage = {
  /** Undefined when the slot is proven empty. */
  value: Hex | undefined
  accountProof: Uint8Array[]
  storageProof: Uint8Array[]
}

/**
 * Reads and checks the proof of a storage slot under a header's state root; undefined when no account stands at the
 * address.
 *
 * @throws {WrongAnswerError} when the proof does not hold.
 * @throws {LaggingError} when the node does not answer, and its head is below the block.
 * @throws {BlockTooOldError} when it does not answer, and keeps no state of blocks as old as this.
 */
export async function proveStorage(
  party: HeaderParty,
  client: Client,
  header: BlockHeader,
  address: Address,
  slot: Hex,
): Promise<ProvenStorage | undefined> {
  // Not every node takes a slot that is not padded to 32 bytes, and this one is.
  const asking = ask(party, client, 'eth_getProof', [address, [slot], numberToHex(header.number)])
  const answer = toAnswer(party, 'eth_getProof', await answeredAt(party, client, header.number, asking))
  const accountProof = answer.hexList('accountProof').map((node) => fromHex(node))
  try {
    const storageRoot = provenStorageRoot(header.stateRoot, address, accountProof)
    if (storageRoot === undefined) return undefined
    const storageProof = toAnswer(party, 'eth_getProof', answer.list('storageProof')[0])
      .hexList('proof')
      .map((node) => fromHex(node))
    return { value: provenStorageWord(storageRoot, slot, storageProof), accountProof, storageProof }
  } catch (cause) {
    if (cause instanceof WrongAnswerError || !(cause instanceof KeyrollError)) throw cause
    const details = `the proof of slot ${slot} does not hold under block ${header.hash}: ${cause.message}`
    throw new WrongAnswerError(party, details, { cause })
  }
}
