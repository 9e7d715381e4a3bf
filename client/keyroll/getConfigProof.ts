import type { Client, Hex } from 'viem'
import {
  type Config,
  configHash,
  fromHex,
  KEYSTORE_ADDRESS,
  KeyrollError,
  provenStorageRoot,
  provenStorageWord,
  toHex,
} from '../../protocol/index.ts'
import { WrongNodeAnswerError } from '../errors.ts'
import { blockParameterToJson } from './BlockParameter.ts'
import type { GetConfigParameters } from './getConfig.ts'
import { readConfig } from './readConfig.ts'
import { requestKeyroll } from './requestKeyroll.ts'

/** What is in force in a keystore, proven under a state root. */
export type ConfigProofAtBlock = {
  id: Hex
  configHash: Hex
  written: boolean
  /** Undefined when the node knows only the hash: of a keystore that nobody wrote. */
  config: Config | undefined
  blockNumber: bigint
  blockHash: Hex
  stateRoot: Hex
  keystoreRoot: Hex
  /** Trie nodes from the state root to the Keystore's account. */
  accountProof: Hex[]
  /** Trie nodes from the keystore root to slot `id`, or to its absence. */
  storageProof: Hex[]
}

const METHOD = 'keyroll_getConfigProof'

/**
 * Reads the config in force in a keystore with its proofs, and verifies them against the state root that comes with them. That the
 * state root is the block's is the node's word.
 *
 * @throws {WrongNodeAnswerError} when a proof does not hold.
 * @throws {KeyrollRefusedError}
 */
export async function getConfigProof(
  client: Client,
  { id, block = 'latest' }: GetConfigParameters,
): Promise<ConfigProofAtBlock> {
  const asked = toHex(fromHex(id, 32))
  const answer = await requestKeyroll(client, METHOD, [id, blockParameterToJson(block)])
  const keystoreRoot = answer.hex('keystoreRoot', 32)
  const stateRoot = answer.hex('stateRoot', 32)
  const accountProof = answer.hexList('accountProof')
  const storageProof = answer.hexList('storageProof')
  const provenRoot = verify(() => provenStorageRoot(stateRoot, KEYSTORE_ADDRESS, toBytes(accountProof)))
  if (provenRoot !== keystoreRoot) {
    throw new WrongNodeAnswerError(METHOD, `got state root ${stateRoot} with keystore root ${keystoreRoot}`)
  }
  const value = verify(() => provenStorageWord(keystoreRoot, asked, toBytes(storageProof)))
  const proven = value ?? asked
  const config = readConfig(METHOD, answer)
  if (config !== undefined && configHash(config) !== proven) {
    throw new WrongNodeAnswerError(METHOD, `got a config that does not hash to the proven ${proven}`)
  }
  return {
    id: asked,
    configHash: proven,
    written: value !== undefined,
    config,
    blockNumber: answer.quantity('blockNumber', 64),
    blockHash: answer.hex('blockHash', 32),
    stateRoot,
    keystoreRoot,
    accountProof,
    storageProof,
  }
}

function toBytes(proof: readonly Hex[]): Uint8Array[] {
  return proof.map((node) => fromHex(node))
}

function verify(prove: () => Hex | undefined): Hex | undefined {
  try {
    return prove()
  } catch (cause) {
    if (!(cause instanceof KeyrollError)) throw cause
    throw new WrongNodeAnswerError(METHOD, `got a proof that does not hold: ${cause.message}`, { cause })
  }
}
