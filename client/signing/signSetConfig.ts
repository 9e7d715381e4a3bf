import type { Hex } from 'viem'
import {
  type Approval,
  type Config,
  configHash,
  createSignerTree,
  fromHex,
  keccakHex,
  type RollupConfig,
  type SetConfig,
  type Signer,
  type SignerTree,
  setConfigDigest,
  setConfigToBytes,
  setConfigTypedData,
  toHex,
  validateSetConfig,
  verifySignature,
} from '../../protocol/index.ts'
import { InvalidSetConfigError, SignerSetMismatchError } from '../errors.ts'
import type { ConfigSigner, SigningRequest } from './ConfigSigner.ts'

/** What of a rollup's config signing depends on. */
export type SigningRollup = Pick<RollupConfig, 'l2ChainId' | 'minRecoveryDelay' | 'challengePeriod'>

/** An update (kind 0) by the signers, or a recovery that guardians start (kind 1). */
export type SignSetConfigParameters = {
  rollup: SigningRollup
  kind: 0 | 1
  id: Hex
  /** The config in force. */
  current: Config
  next: Config
  /** Everybody in the authority that approves: the current signers (kind 0) or guardians (kind 1). */
  authority: readonly Signer[]
  /** Those of them who sign, as many as the threshold says. */
  approvers: readonly ConfigSigner[]
  /** Everybody among the next signers; needed when they change. */
  nextSigners?: readonly Signer[]
  /**
   * Those of the next signers who are shown to exist, as many as the next threshold says; they sign if they can, unless they
   * approve anyway. By default the approvers that stay, then others of the next signers.
   */
  openers?: readonly (Signer & Partial<ConfigSigner>)[]
}

/** A set-config that is ready to be sent: to the sequencer, to the portal on L1, to replicas. */
export type SignedSetConfig = { raw: Hex; transactionHash: Hex; tx: SetConfig }

/**
 * Collects the signatures of an update or a started recovery, and checks the result by every rule of protocol.md §3.3.
 *
 * @throws {SignerSetMismatchError} when the signers given are not those of the configs.
 * @throws {InvalidSetConfigError} when the set-config would be refused, for instance with too few approvers.
 * @throws {SignerTreeError} when an approver or opener is not among the signers given.
 */
export async function signSetConfig(parameters: SignSetConfigParameters): Promise<SignedSetConfig> {
  const { rollup, kind, id, current, next, approvers } = parameters
  const tree =
    kind === 0
      ? createTree('current signers', parameters.authority, current.signers.root)
      : createTree('guardians', parameters.authority, current.guardians.root)
  const digestInput = { chainId: rollup.l2ChainId, kind, id, previous: configHash(current), next }
  const request = { digest: setConfigDigest(digestInput), typedData: setConfigTypedData(digestInput) }

  const approvals: Approval[] = []
  // One after the other: people answer one device at a time.
  for (const signer of inOrder(approvers)) approvals.push(await approve(tree, signer, request))
  const openings = areSameSigners(current, next) ? [] : await open(parameters, request)
  return check(rollup, current, {
    chainId: rollup.l2ChainId,
    id,
    kind,
    initial: next.nonce === 1n ? current : undefined,
    next,
    approvals,
    openings,
  })
}

async function approve(tree: SignerTree, signer: ConfigSigner, request: SigningRequest): Promise<Approval> {
  const { scheme, key } = signer
  return { scheme, key, proof: tree.proofOf(signer), signature: await signer.sign(request) }
}

async function open(parameters: SignSetConfigParameters, request: SigningRequest): Promise<Approval[]> {
  const { next, approvers, nextSigners = [] } = parameters
  const tree = createTree('next signers', nextSigners, next.signers.root)
  const openers = parameters.openers ?? defaultOpeners(parameters, nextSigners)
  const openings: Approval[] = []
  for (const signer of inOrder(openers)) {
    const { scheme, key } = signer
    const isApproving = approvers.some((approver) => isSame(approver, signer))
    const signature = isApproving ? undefined : await signer.sign?.(request)
    openings.push({ scheme, key, proof: tree.proofOf(signer), signature: signature ?? '0x' })
  }
  return openings
}

function defaultOpeners(
  { next, approvers }: SignSetConfigParameters,
  nextSigners: readonly Signer[],
): readonly (Signer & Partial<ConfigSigner>)[] {
  const staying = approvers.filter((approver) => nextSigners.some((signer) => isSame(approver, signer)))
  const others = nextSigners.filter((signer) => !staying.some((approver) => isSame(approver, signer)))
  return [...staying, ...others].slice(0, next.signers.threshold)
}

function check(rollup: SigningRollup, current: Config, tx: SetConfig): SignedSetConfig {
  // Whether a recovery is pending only the chain knows; it refuses a second one.
  const state = { current, recovery: undefined, timestamp: 0n }
  const reason = validateSetConfig({ tx, ...state, rollup, verify: verifySignature })
  if (reason !== undefined) throw new InvalidSetConfigError(reason)
  const raw = setConfigToBytes(tx)
  return { raw: toHex(raw), transactionHash: keccakHex(raw), tx }
}

function createTree(which: string, signers: readonly Signer[], expected: Hex): SignerTree {
  const tree = createSignerTree(signers)
  if (tree.root === expected.toLowerCase()) return tree
  throw new SignerSetMismatchError(which, tree.root, expected)
}

/** By `keccak(key)`, as approvals and openings stand. */
function inOrder<signer extends Signer>(signers: readonly signer[]): signer[] {
  const hashOf = ({ key }: signer) => keccakHex(fromHex(key))
  return [...signers].sort((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1))
}

function isSame(a: Signer, b: Signer): boolean {
  return a.scheme === b.scheme && a.key.toLowerCase() === b.key.toLowerCase()
}

function areSameSigners(current: Config, next: Config): boolean {
  return current.signers.root === next.signers.root && current.signers.threshold === next.signers.threshold
}
