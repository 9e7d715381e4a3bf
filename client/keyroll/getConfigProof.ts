import type { Client, Hex } from 'viem'
import {
  type Config,
  configFromJson,
  configHash,
  fromHex,
  KeyrollError,
  slotToKey,
  stateRootOf,
  storageValueFromRlp,
  toHex,
  verifyTrieProof,
} from '../../protocol/index.ts'
import { WrongNodeAnswerError } from '../errors.ts'
import { blockParameterToJson } from './BlockParameter.ts'
import type { GetConfigParameters } from './getConfig.ts'
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
 * Reads the config in force in a keystore with its proof, and verifies the proof against the state root that comes with it.
 *
 * @throws {WrongNodeAnswerError} when the proof does not hold.
 * @throws {KeyrollRefusedError}
 */
export async function getConfigProof(
  client: Client,
  { id, block = 'latest' }: GetConfigParameters,
): Promise<ConfigProofAtBlock> {
  const answer = await requestKeyroll(client, METHOD, [id, blockParameterToJson(block)])
  const keystoreRoot = answer.hex('keystoreRoot', 32)
  const stateRoot = answer.hex('stateRoot', 32)
  if (stateRootOf(keystoreRoot) !== stateRoot) {
    throw new WrongNodeAnswerError(METHOD, `got state root ${stateRoot} with keystore root ${keystoreRoot}`)
  }
  const storageProof = answer.hexList('storageProof')
  const value = verify(keystoreRoot, id, storageProof)
  const proven = value ?? toHex(fromHex(id, 32))
  const config = answer.has('config') ? configFromJson(answer.raw('config')) : undefined
  if (config !== undefined && configHash(config) !== proven) {
    throw new WrongNodeAnswerError(METHOD, `got a config that does not hash to the proven ${proven}`)
  }
  return {
    id: answer.hex('id', 32),
    configHash: proven,
    written: value !== undefined,
    config,
    blockNumber: answer.quantity('blockNumber', 64),
    blockHash: answer.hex('blockHash', 32),
    stateRoot,
    keystoreRoot,
    accountProof: answer.hexList('accountProof'),
    storageProof,
  }
}

function verify(keystoreRoot: Hex, id: Hex, proof: readonly Hex[]): Hex | undefined {
  try {
    const value = verifyTrieProof(
      keystoreRoot,
      slotToKey(id),
      proof.map((node) => fromHex(node)),
    )
    return value === undefined ? undefined : storageValueFromRlp(value)
  } catch (cause) {
    if (!(cause instanceof KeyrollError)) throw cause
    throw new WrongNodeAnswerError(METHOD, `got a proof that does not hold: ${cause.message}`)
  }
}
