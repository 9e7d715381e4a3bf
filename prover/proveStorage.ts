import { type Address, type Client, type Hex, hexToBigInt, isHex, numberToHex } from 'viem'
import { fromHex, KeyrollError, provenStorageRoot, provenStorageWord } from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import type { BlockHeader, HeaderParty } from './BlockHeader.ts'
import { BlockTooOldError, UnansweredError, WrongAnswerError } from './errors.ts'

/** A storage slot of an account in the state of a block, proven. */
export type ProvenStorage = {
  /** Undefined when the slot is proven empty. */
  value: Hex | undefined
  accountProof: Uint8Array[]
  storageProof: Uint8Array[]
}

/** For how many blocks nodes without an archive keep state. */
const KEPT_STATES = 128n

/**
 * Reads and checks the proof of a storage slot under a header's state root; undefined when no account stands at the
 * address.
 *
 * @throws {WrongAnswerError} when the proof does not hold.
 * @throws {BlockTooOldError} when the node does not answer, and keeps no state of blocks as old as this.
 */
export async function proveStorage(
  party: HeaderParty,
  client: Client,
  header: BlockHeader,
  address: Address,
  slot: Hex,
): Promise<ProvenStorage | undefined> {
  const answer = toAnswer(party, 'eth_getProof', await askForProof(party, client, header, address, slot))
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

async function askForProof(
  party: HeaderParty,
  client: Client,
  { number }: BlockHeader,
  address: Address,
  slot: Hex,
): Promise<unknown> {
  try {
    // Not every node takes a slot that is not padded to 32 bytes, and this one is.
    return await ask(party, client, 'eth_getProof', [address, [slot], numberToHex(number)])
  } catch (cause) {
    if (!(cause instanceof UnansweredError)) throw cause
    const head = await ask(party, client, 'eth_blockNumber', [])
    const age = isHex(head) ? hexToBigInt(head) - number : 0n
    if (age <= KEPT_STATES) throw cause
    const advice = `the ${party} has no state of it; ask an archive node, or prove from a newer block`
    throw new BlockTooOldError(number, age, advice, { cause })
  }
}
