import { type Address, encodeFunctionData, type Hex, isAddressEqual, numberToHex } from 'viem'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import {
  type Config,
  compareBytes,
  configFromJson,
  configHash,
  decodeSetConfig,
  fromHex,
  type JsonObject,
  KeyrollError,
  type ShortConfig,
  slotToKey,
  storageValueFromRlp,
  toHex,
  toShortConfig,
  validateSetConfig,
  verifySignature,
  verifyTrieProof,
} from '../protocol/index.ts'
import { ask, toAnswer } from './ask.ts'
import {
  BrokenChainError,
  ConfigUnknownError,
  DepositNotArrivedError,
  RootUnknownError,
  WrongAnswerError,
} from './errors.ts'
import type { ProverContext } from './ProverContext.ts'
import { type ConfigProof, getReplicaParameters, getReplicaRoot, type ReplicaRoot } from './replica.ts'
import { joinNodes, type SharedProof, shareNodes } from './sharedProofs.ts'

/** Which keystore to confirm for which account, and from which root of the replica. */
export type ProveConfigParameters = {
  id: Hex
  account: Address
  source: Address
  outputIndex: bigint
  /** The config, where the Keyroll node does not know it: the initial one of a keystore that nobody wrote. */
  config?: Config
}

/** A proof for `confirm`, checked against the replica's root. */
export type ProvenConfig = {
  proof: ConfigProof
  /** The proven config in short form, which `confirm` takes. */
  config: ShortConfig
  /** The call of `confirm` with this proof. */
  data: Hex
  /** Whether the root is finalized; `confirm` takes from others only what the replica holds already. */
  isFinal: boolean
}

/**
 * Makes the proof with which `confirm` learns a keystore's config (protocol.md §7.4).
 *
 * @throws {ReplicaAbsentError} when no replica stands at the context's address.
 * @throws {RootUnknownError} when the replica does not know the output.
 * @throws {DepositNotArrivedError} when the bridge was to bring it, and has not.
 * @throws {ConfigUnknownError} when nobody told the Keyroll node the config.
 * @throws {LaggingError} when the Keyroll node does not have the output's block.
 * @throws {WrongAnswerError} when its proof does not hold.
 */
export async function proveConfig(
  context: ProverContext,
  parameters: ProveConfigParameters,
): Promise<ProvenConfig> {
  const { id } = parameters
  const root = await getKnownRoot(context, parameters)
  const { answer, storageProof, proven } = await getStorageProof(context, id, root)
  const short = toProven(id, parameters.config ?? readConfig(answer), proven)
  const proof = createConfigProof(parameters, storageProof)
  const data = encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'confirm', args: [proof, short] })
  return { proof, config: short, data, isFinal: root.finalized }
}

/** What leads from the config that a replica confirmed to the one that its root proves. */
export type ProveSignedConfigParameters = Omit<ProveConfigParameters, 'config'> & {
  /** The confirmed config; the initial one where none was confirmed. */
  confirmed: Config | ShortConfig
  /** Raw set-configs of kind 0, each valid on top of the one before. */
  rawSetConfigs: readonly Hex[]
}

/** A proof for `confirmSigned`, checked against the replica's root and by every rule of validity. */
export type ProvenSignedConfig = { proof: ConfigProof; data: Hex }

/**
 * Makes the call of `confirmSigned`, which confirms from a root that is not finalized yet (protocol.md §7.4).
 *
 * @throws {BrokenChainError} when the set-configs do not lead from the confirmed config to the proven one.
 * @throws as {@link proveConfig}.
 */
export async function proveSignedConfig(
  context: ProverContext,
  parameters: ProveSignedConfigParameters,
): Promise<ProvenSignedConfig> {
  const { id, confirmed, rawSetConfigs } = parameters
  const [root, rules] = await Promise.all([
    getKnownRoot(context, parameters),
    getReplicaParameters(context.l2, context.replica),
  ])
  const { storageProof, proven } = await getStorageProof(context, id, root)
  let current = confirmed
  for (const raw of rawSetConfigs) {
    const decoded = decodeSetConfig(fromHex(raw), rules.l2ChainId)
    if (!decoded.ok) throw new BrokenChainError(`got a set-config that does not decode: ${decoded.reason}`)
    const { tx } = decoded
    if (tx.id !== id.toLowerCase() || tx.kind !== 0) {
      throw new BrokenChainError(
        `got a set-config of kind ${tx.kind} for ${tx.id}, expected kind 0 for ${id}`,
      )
    }
    const checks = { tx, current, recovery: undefined, timestamp: 0n, rollup: rules, verify: verifySignature }
    const reason = validateSetConfig(checks)
    if (reason !== undefined) {
      throw new BrokenChainError(`got a set-config to nonce ${tx.next.nonce} that is invalid: ${reason}`)
    }
    current = tx.next
  }
  const reached = configHash(current)
  if (reached !== proven) {
    throw new BrokenChainError(`the set-configs lead to ${reached}, expected the proven config ${proven}`)
  }
  const proof = createConfigProof(parameters, storageProof)
  const short = 'data' in confirmed ? toShortConfig(confirmed) : confirmed
  const data = encodeFunctionData({
    abi: keystoreReplicaAbi,
    functionName: 'confirmSigned',
    args: [proof, short, rawSetConfigs],
  })
  return { proof, data }
}

/** Which keystores to confirm for which accounts, all from one root of the replica. */
export type ProveConfigsParameters = {
  source: Address
  outputIndex: bigint
  /** Each as in {@link ProveConfigParameters}. */
  items: readonly { id: Hex; account: Address; config?: Config }[]
}

/** Proofs for `confirmMany`, each checked against the replica's root. */
export type ProvenConfigs = {
  /** In the order of the call: that of the hashed ids, so that neighbours share most nodes. */
  items: ({ id: Hex; account: Address; config: ShortConfig } & SharedProof)[]
  /** The call of `confirmMany` with these proofs. */
  data: Hex
  /** Whether the root is finalized; `confirmMany` takes from others only what the replica holds already. */
  isFinal: boolean
}

/**
 * Makes the call of `confirmMany`, which confirms many keystores from one root (protocol.md §7.4). Every node is in the
 * call once.
 *
 * @throws as {@link proveConfig}.
 */
export async function proveConfigs(
  context: ProverContext,
  { source, outputIndex, items }: ProveConfigsParameters,
): Promise<ProvenConfigs> {
  const root = await getKnownRoot(context, { source, outputIndex })
  const ordered = items
    .map((item) => ({ item, key: slotToKey(item.id) }))
    .toSorted((a, b) => compareBytes(a.key, b.key))
  const proven = shareNodes(await Promise.all(ordered.map(({ item }) => proveItem(context, root, item))))
  const args = [source, outputIndex, proven] as const
  const data = encodeFunctionData({ abi: keystoreReplicaAbi, functionName: 'confirmMany', args })
  return { items: proven, data, isFinal: root.finalized }
}

async function proveItem(
  context: ProverContext,
  root: ReplicaRoot,
  { id, account, config }: ProveConfigsParameters['items'][number],
): Promise<{ id: Hex; account: Address; config: ShortConfig; storageProof: Hex[] }> {
  const { answer, storageProof, proven } = await getStorageProof(context, id, root)
  const short = toProven(id, config ?? readConfig(answer), proven)
  return { id, account, config: short, storageProof: storageProof.map((node) => toHex(node)) }
}

/** @throws {ConfigUnknownError} when the config is not the proven one. */
function toProven(id: Hex, config: Config | undefined, proven: Hex): ShortConfig {
  if (config === undefined || configHash(config) !== proven) throw new ConfigUnknownError(id, proven)
  return toShortConfig(config)
}

async function getKnownRoot(
  { l2, replica }: ProverContext,
  { source, outputIndex }: { source: Address; outputIndex: bigint },
): Promise<ReplicaRoot> {
  const root = await getReplicaRoot(l2, replica, source, outputIndex)
  if (root.l1Timestamp !== 0) return root
  const { outputBridgeAlias } = await getReplicaParameters(l2, replica)
  if (isAddressEqual(source, outputBridgeAlias)) throw new DepositNotArrivedError(outputIndex)
  throw new RootUnknownError(source, outputIndex)
}

/** Reads what stands in slot `id` at the root's block, and checks the proof of it. Absence means the initial config. */
async function getStorageProof(
  { keyroll }: ProverContext,
  id: Hex,
  root: ReplicaRoot,
): Promise<{ answer: JsonObject; storageProof: Uint8Array[]; proven: Hex }> {
  const method = 'keyroll_getConfigProof'
  const json = await ask('Keyroll node', keyroll, method, [id, numberToHex(root.l2BlockNumber)])
  const answer = toAnswer('Keyroll node', method, json)
  const storageProof = answer.hexList('storageProof').map((node) => fromHex(node))
  try {
    const value = verifyTrieProof(root.keystoreRoot, slotToKey(id), storageProof)
    return {
      answer,
      storageProof,
      proven: value === undefined ? toHex(fromHex(id, 32)) : storageValueFromRlp(value),
    }
  } catch (cause) {
    if (!(cause instanceof KeyrollError)) throw cause
    const details = `its proof of keystore ${id} does not hold under ${root.keystoreRoot}: ${cause.message}`
    throw new WrongAnswerError('Keyroll node', details, { cause })
  }
}

function readConfig(answer: JsonObject): Config | undefined {
  if (!answer.has('config')) return undefined
  try {
    return configFromJson(answer.raw('config'))
  } catch (cause) {
    throw new WrongAnswerError('Keyroll node', 'the config it sent is none', { cause })
  }
}

function createConfigProof(
  { id, account, source, outputIndex }: Omit<ProveConfigParameters, 'config'>,
  storageProof: readonly Uint8Array[],
): ConfigProof {
  return { source, outputIndex, id, account, storageProof: joinNodes(storageProof.map(toHex)) }
}
