import type { Hex } from 'viem'
import {
  type Approval,
  type Config,
  configHash,
  createSignerTree,
  decodeSetConfig,
  encodeWebAuthnSignature,
  fromHex,
  keccakHex,
  MIN_AUTHENTICATOR_DATA_BYTES,
  type RollupConfig,
  type Scheme,
  type SetConfig,
  type SignatureVerifier,
  type Signer,
  type SignerTree,
  setConfigDigest,
  setConfigToBytes,
  setConfigTypedData,
  toHex,
  validateSetConfig,
  verifySignature,
} from '../../protocol/index.ts'
import { InvalidSetConfigError, SignerSetMismatchError, UndecodableSetConfigError } from '../errors.ts'
import type { ConfigSigner, SigningRequest } from './ConfigSigner.ts'
import { assertThreshold, assertUsableKeys } from './newAuthority.ts'

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

/** An approval or opening to be: all but the signature, which is asked for last, and empty when nobody is to give it. */
type Unsigned = Omit<Approval, 'signature'> & { sign: ConfigSigner['sign'] | undefined }

/** Signatures by nobody, of each scheme's shape: with them in their place, everything else can be checked. */
const BLANK_SIGNATURES: Record<Scheme, Hex> = {
  1: toHex(new Uint8Array(65)),
  2: toHex(new Uint8Array(64)),
  3: encodeWebAuthnSignature({
    authenticatorData: toHex(new Uint8Array(MIN_AUTHENTICATOR_DATA_BYTES)),
    clientDataTail: '0x22',
    rs: toHex(new Uint8Array(64)),
  }),
}

/**
 * Collects the signatures of an update or a started recovery, and checks the result by every rule of protocol.md §3.1 and
 * §3.3. What needs no signature is checked before anybody is asked for one.
 *
 * @throws {SignerSetMismatchError} when the signers given are not those of the configs.
 * @throws {SignerError} when nobody could sign by the key of a next signer: the zero address, or a point off the curve.
 * @throws {ThresholdError} when the next signers could not meet their threshold.
 * @throws {InvalidSetConfigError} when the set-config would be refused, for instance with too few approvers.
 * @throws {UndecodableSetConfigError} when it would not be one, for instance with an id that is not the initial config's.
 * @throws {SignerTreeError} when an approver or opener is not among the signers given.
 */
export async function signSetConfig(parameters: SignSetConfigParameters): Promise<SignedSetConfig> {
  const { rollup, kind, id } = parameters
  const current = inLowerCase(parameters.current)
  const next = inLowerCase(parameters.next)
  const tree =
    kind === 0
      ? createTree('current signers', parameters.authority, current.signers.root)
      : createTree('guardians', parameters.authority, current.guardians.root)
  const approvals = inOrder(parameters.approvers).map((signer) =>
    toUnsigned(tree, signer, (request) => signer.sign(request)),
  )
  const openings = areSameSigners(current, next) ? [] : planOpenings(parameters)
  const initial = next.nonce === 1n ? current : undefined
  const unsigned = { chainId: rollup.l2ChainId, id, kind, initial, next }
  const blank = { ...unsigned, approvals: approvals.map(toBlank), openings: openings.map(toBlank) }
  check(rollup, current, blank, () => true)

  const digestInput = { chainId: rollup.l2ChainId, kind, id, previous: configHash(current), next }
  const request = { digest: setConfigDigest(digestInput), typedData: setConfigTypedData(digestInput) }
  const signed = {
    ...unsigned,
    approvals: await signEach(approvals, request),
    openings: await signEach(openings, request),
  }
  return check(rollup, current, signed, verifySignature)
}

function planOpenings(parameters: SignSetConfigParameters): Unsigned[] {
  const { next, approvers, nextSigners = [] } = parameters
  assertUsableKeys(nextSigners)
  const tree = createTree('next signers', nextSigners, next.signers.root)
  assertThreshold(next.signers.threshold, nextSigners)
  const openers = parameters.openers ?? defaultOpeners(parameters, nextSigners)
  return inOrder(openers).map((signer) => {
    const isApproving = approvers.some((approver) => isSame(approver, signer))
    const sign = isApproving ? undefined : signer.sign
    return toUnsigned(tree, signer, sign && ((request) => sign.call(signer, request)))
  })
}

function defaultOpeners(
  { next, approvers }: SignSetConfigParameters,
  nextSigners: readonly Signer[],
): readonly (Signer & Partial<ConfigSigner>)[] {
  const staying = approvers.filter((approver) => nextSigners.some((signer) => isSame(approver, signer)))
  return firstOfEachKey([...staying, ...nextSigners]).slice(0, next.signers.threshold)
}

/** A key that stands under two schemes counts once. */
function firstOfEachKey<signer extends Signer>(signers: readonly signer[]): signer[] {
  const keys = signers.map(({ key }) => lowerCase(key))
  return signers.filter((_signer, index) => keys.indexOf(keys[index] as Hex) === index)
}

function toUnsigned(tree: SignerTree, { scheme, key }: Signer, sign: Unsigned['sign']): Unsigned {
  return { scheme, key: lowerCase(key), proof: tree.proofOf({ scheme, key }), sign }
}

function toBlank({ sign, ...rest }: Unsigned): Approval {
  return { ...rest, signature: sign === undefined ? '0x' : BLANK_SIGNATURES[rest.scheme] }
}

async function signEach(unsigned: readonly Unsigned[], request: SigningRequest): Promise<Approval[]> {
  const signed: Approval[] = []
  // One after the other: people answer one device at a time.
  for (const { sign, ...rest } of unsigned) {
    signed.push({ ...rest, signature: sign === undefined ? '0x' : await sign(request) })
  }
  return signed
}

function check(
  rollup: SigningRollup,
  current: Config,
  tx: SetConfig,
  verify: SignatureVerifier,
): SignedSetConfig {
  // Whether a recovery is pending only the chain knows; it refuses a second one.
  const state = { current, recovery: undefined, timestamp: 0n }
  const reason = validateSetConfig({ tx, ...state, rollup, verify })
  if (reason !== undefined) throw new InvalidSetConfigError(reason)
  const raw = setConfigToBytes(tx)
  const decoded = decodeSetConfig(raw, rollup.l2ChainId)
  if (!decoded.ok) throw new UndecodableSetConfigError(decoded.reason, raw.length, rollup.l2ChainId)
  return { raw: toHex(raw), transactionHash: decoded.hash, tx: decoded.tx }
}

function createTree(which: string, signers: readonly Signer[], expected: Hex): SignerTree {
  const tree = createSignerTree(signers)
  if (tree.root === lowerCase(expected)) return tree
  throw new SignerSetMismatchError(which, tree.root, expected)
}

/** By `keccak(key)`, as approvals and openings stand. */
function inOrder<signer extends Signer>(signers: readonly signer[]): signer[] {
  const hashOf = ({ key }: signer) => keccakHex(fromHex(key))
  return [...signers].sort((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1))
}

/** Hex may come in any case, and is compared as text. */
function inLowerCase({ signers, guardians, ...rest }: Config): Config {
  return {
    ...rest,
    signers: { ...signers, root: lowerCase(signers.root) },
    guardians: { ...guardians, root: lowerCase(guardians.root) },
  }
}

function lowerCase(hex: Hex): Hex {
  return hex.toLowerCase() as Hex
}

function isSame(a: Signer, b: Signer): boolean {
  return a.scheme === b.scheme && lowerCase(a.key) === lowerCase(b.key)
}

function areSameSigners(current: Config, next: Config): boolean {
  return current.signers.root === next.signers.root && current.signers.threshold === next.signers.threshold
}
