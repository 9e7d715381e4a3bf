import { type Address, type Hex, numberToHex } from 'viem'
import { KeyrollError, provenStorageRoot, provenStorageWord } from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'
import type { L1Header } from './L1Header.ts'
import type { L1Rpc } from './L1Rpc.ts'
import { bytesField, toList, toObject } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** What a proof shows where there is no word: undefined would mean that a node did not answer. */
const ABSENT = 'absent'

/**
 * Reads a word of a contract's storage as it is after an L1 block, proven under the state root of its header; undefined when there
 * is none, or no such contract.
 *
 * @throws {TemporaryFault} when no L1 node proves it either way: nodes that prune hold the state of recent blocks only.
 */
export async function provenWord(
  rpc: Pick<L1Rpc, 'request'>,
  { number, stateRoot }: Pick<L1Header, 'number' | 'stateRoot'>,
  contract: Address,
  slot: Hex,
): Promise<Hex | undefined> {
  const word = await rpc.request({
    method: 'eth_getProof',
    params: [contract, [slot], numberToHex(number)],
    read: (json) => readProof(json, stateRoot, contract, slot),
  })
  if (word === undefined) throw new TemporaryFault('no L1 node answers eth_getProof')
  return word === ABSENT ? undefined : word
}

function readProof(json: unknown, stateRoot: Hex, contract: Address, slot: Hex): Hex | typeof ABSENT {
  const answer = toObject(json)
  const [storage] = toList(answer.storageProof)
  try {
    const storageRoot = provenStorageRoot(stateRoot, contract, toNodes(answer.accountProof))
    if (storageRoot === undefined) return ABSENT
    return provenStorageWord(storageRoot, slot, toNodes(toObject(storage).proof)) ?? ABSENT
  } catch (cause) {
    if (cause instanceof RefusedAnswerError || !(cause instanceof KeyrollError)) throw cause
    throw new RefusedAnswerError(`the proof of slot ${slot} does not hold: ${cause.message}`, { cause })
  }
}

function toNodes(json: unknown): Uint8Array[] {
  return toList(json).map((node) => bytesField({ node }, 'node'))
}
