import type { Hex } from 'viem'
import { asciiToBytes, fromHex, keccak, keccakHex, toHex, writeHex } from './bytes.ts'
import { MAX_THRESHOLD, ZERO_HASH } from './constants.ts'
import { decodeRlp, type RlpItem, rlpToBytes, rlpToList, rlpToNumber, rlpToUint } from './Rlp.ts'
import { borrowRlpWriter, type RlpWriter } from './RlpWriter.ts'
import { assertUint, borrowWords, writeNumber, writeUint64 } from './words.ts'

/** Who may approve: the Merkle root over signer leaves, and how many distinct ones must approve (protocol.md §2). */
export type Authority = { root: Hex; threshold: number }

/**
 * The configuration of a keystore (protocol.md §2).
 *
 * `recoveryDelay` and `maxStaleness` are seconds; `data` is opaque to the rollup.
 */
export type Config = {
  nonce: bigint
  signers: Authority
  guardians: Authority
  recoveryDelay: number
  maxStaleness: number
  data: Hex
}

/** A config with `keccak(data)` in place of `data`, which suffices to compute its hash (protocol.md §2). */
export type ShortConfig = Omit<Config, 'data'> & { dataHash: Hex }

/** A config beside its canonical RLP. */
export type EncodedConfig = { config: Config; rlp: Uint8Array }

/** What the deployment demands of delays, in seconds (protocol.md §2.1). */
export type DelayParameters = { minRecoveryDelay: number; challengePeriod: number }

/** Why a config is not well-formed (protocol.md §2.1). */
export type ConfigFault =
  | 'SIGNERS_ROOT_ZERO'
  | 'SIGNERS_THRESHOLD_OUT_OF_RANGE'
  | 'GUARDIANS_HALF_SET'
  | 'GUARDIANS_THRESHOLD_OUT_OF_RANGE'
  | 'RECOVERY_DELAY_TOO_SHORT'
  | 'RECOVERY_DELAY_WITHOUT_GUARDIANS'
  | 'MAX_STALENESS_TOO_SHORT'

/** The absent authority: a keystore whose guardians are this has none. */
export const NO_AUTHORITY: Authority = { root: ZERO_HASH, threshold: 0 }

/** EIP-712 `encodeType` of `Authority` (protocol.md §2). */
export const AUTHORITY_TYPE = 'Authority(bytes32 root,uint8 threshold)'

/** EIP-712 `encodeType` of `Config`, without the types it refers to (protocol.md §2). */
export const CONFIG_TYPE =
  'Config(uint64 nonce,Authority signers,Authority guardians,uint32 recoveryDelay,uint32 maxStaleness,bytes data)'

const AUTHORITY_TYPE_HASH = keccak(asciiToBytes(AUTHORITY_TYPE))
const CONFIG_TYPE_HASH = keccak(asciiToBytes(CONFIG_TYPE + AUTHORITY_TYPE))
const NO_DATA_HASH = keccak(new Uint8Array())
const NO_AUTHORITY_HASH = computeAuthorityHash(NO_AUTHORITY)

/**
 * Computes the EIP-712 `hashStruct` of a config; the hash of an initial config is its keystore's id (protocol.md §2).
 *
 * @throws {IntegerOutOfRangeError} when a number does not fit its Solidity type.
 */
export function configHash(config: Config | ShortConfig): Hex {
  const signersHash = authorityHash(config.signers)
  const guardiansHash = authorityHash(config.guardians)
  const dataHash = 'data' in config ? hashOfData(config.data) : fromHex(config.dataHash, 32)
  const words = borrowWords(7)
  words.set(CONFIG_TYPE_HASH)
  writeUint64(words, 1, config.nonce)
  words.set(signersHash, 64)
  words.set(guardiansHash, 96)
  writeNumber(words, 4, config.recoveryDelay, 32)
  writeNumber(words, 5, config.maxStaleness, 32)
  words.set(dataHash, 192)
  return keccakHex(words)
}

/** Replaces `data` by its hash (protocol.md §2). */
export function toShortConfig(config: Config): ShortConfig {
  const { data, ...rest } = config
  return { ...rest, dataHash: keccakHex(fromHex(data)) }
}

/**
 * Encodes a config as canonical RLP (protocol.md §2).
 *
 * @throws {IntegerOutOfRangeError} when a number does not fit its Solidity type.
 * @throws {InvalidHexError} when a root is not 32 bytes.
 */
export function configToRlp(config: Config): Uint8Array {
  const writer = borrowRlpWriter()
  writeConfig(writer, config)
  return writer.view().slice()
}

/**
 * Writes the RLP list of a config that stands in a set-config (protocol.md §2).
 *
 * @throws {IntegerOutOfRangeError} when a number does not fit its Solidity type.
 * @throws {InvalidHexError} when a root is not 32 bytes.
 */
export function writeConfig(writer: RlpWriter, config: Config): void {
  const end = writer.length
  writer.hex(config.data)
  writeUint(writer, config.maxStaleness, 32)
  writeUint(writer, config.recoveryDelay, 32)
  writeUint(writer, config.guardians.threshold, 8)
  writer.hex(config.guardians.root, 32)
  writeUint(writer, config.signers.threshold, 8)
  writer.hex(config.signers.root, 32)
  writeUint(writer, config.nonce, 64)
  writer.list(end)
}

/**
 * Decodes the canonical RLP of a config; the length of `data` is not limited here.
 *
 * @throws {RlpError} when the bytes are anything else (protocol.md §2).
 */
export function configFromRlp(bytes: Uint8Array): Config {
  return configFromRlpItem(decodeRlp(bytes))
}

/**
 * Reads a config from the RLP list that stands in a set-config.
 *
 * @throws {RlpError} when the item has another shape, or a field another width (protocol.md §2).
 */
export function configFromRlpItem(item: RlpItem | undefined): Config {
  const [nonce, signersRoot, signersThreshold, guardiansRoot, guardiansThreshold, delay, staleness, data] =
    rlpToList(item, 8)
  return {
    nonce: rlpToUint(nonce, 64),
    signers: { root: toHex(rlpToBytes(signersRoot, 32)), threshold: rlpToNumber(signersThreshold, 8) },
    guardians: { root: toHex(rlpToBytes(guardiansRoot, 32)), threshold: rlpToNumber(guardiansThreshold, 8) },
    recoveryDelay: rlpToNumber(delay, 32),
    maxStaleness: rlpToNumber(staleness, 32),
    data: toHex(rlpToBytes(data)),
  }
}

/** Names what keeps a config from being well-formed, if anything does (protocol.md §2.1). */
export function findConfigFault(
  config: Config | ShortConfig,
  parameters: DelayParameters,
): ConfigFault | undefined {
  const { signers, guardians, recoveryDelay, maxStaleness } = config
  if (signers.root === ZERO_HASH) return 'SIGNERS_ROOT_ZERO'
  if (!isThresholdInRange(signers.threshold)) return 'SIGNERS_THRESHOLD_OUT_OF_RANGE'
  if (isNoAuthority(guardians)) {
    if (recoveryDelay !== 0) return 'RECOVERY_DELAY_WITHOUT_GUARDIANS'
  } else {
    if (guardians.root === ZERO_HASH || guardians.threshold === 0) return 'GUARDIANS_HALF_SET'
    if (!isThresholdInRange(guardians.threshold)) return 'GUARDIANS_THRESHOLD_OUT_OF_RANGE'
    if (recoveryDelay < parameters.minRecoveryDelay) return 'RECOVERY_DELAY_TOO_SHORT'
  }
  if (maxStaleness !== 0 && maxStaleness < 2 * parameters.challengePeriod) return 'MAX_STALENESS_TOO_SHORT'
  return undefined
}

/** Tells whether a config is well-formed (protocol.md §2.1). */
export function isWellFormed(config: Config | ShortConfig, parameters: DelayParameters): boolean {
  return findConfigFault(config, parameters) === undefined
}

/** Tells whether an authority is the absent one. */
export function isNoAuthority(authority: Authority): boolean {
  return authority.root === ZERO_HASH && authority.threshold === 0
}

function writeUint(writer: RlpWriter, value: bigint | number, bits: 8 | 32 | 64): void {
  assertUint(value, bits)
  writer.uint(value)
}

function isThresholdInRange(threshold: number): boolean {
  return threshold >= 1 && threshold <= MAX_THRESHOLD
}

function authorityHash(authority: Authority): Uint8Array {
  // Most keystores have no guardians, and every block hashes their absence many times.
  return isNoAuthority(authority) ? NO_AUTHORITY_HASH : computeAuthorityHash(authority)
}

function hashOfData(data: Hex): Uint8Array {
  return data === '0x' ? NO_DATA_HASH : keccak(fromHex(data))
}

function computeAuthorityHash({ root, threshold }: Authority): Uint8Array {
  const words = borrowWords(3)
  words.set(AUTHORITY_TYPE_HASH)
  writeHex(words, 32, root, 32)
  writeNumber(words, 2, threshold, 8)
  return keccak(words)
}
