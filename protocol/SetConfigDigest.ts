import type { Hex } from 'viem'
import { asciiToBytes, keccak, writeHex } from './bytes.ts'
import { AUTHORITY_TYPE, CONFIG_TYPE, type Config, configHash, type ShortConfig } from './Config.ts'
import { createDomain, typedDataDigest } from './Eip712.ts'
import { borrowWords } from './words.ts'

const MESSAGE_FIELDS = '(bytes32 id,bytes32 previous,Config config)'
const TYPE_HASHES = [
  keccak(asciiToBytes(`SetConfig${MESSAGE_FIELDS}${AUTHORITY_TYPE}${CONFIG_TYPE}`)),
  keccak(asciiToBytes(`StartRecovery${MESSAGE_FIELDS}${AUTHORITY_TYPE}${CONFIG_TYPE}`)),
] as const

const AUTHORITY_FIELDS = [
  { name: 'root', type: 'bytes32' },
  { name: 'threshold', type: 'uint8' },
] as const
const CONFIG_FIELDS = [
  { name: 'nonce', type: 'uint64' },
  { name: 'signers', type: 'Authority' },
  { name: 'guardians', type: 'Authority' },
  { name: 'recoveryDelay', type: 'uint32' },
  { name: 'maxStaleness', type: 'uint32' },
  { name: 'data', type: 'bytes' },
] as const
const MESSAGE_STRUCT = [
  { name: 'id', type: 'bytes32' },
  { name: 'previous', type: 'bytes32' },
  { name: 'config', type: 'Config' },
] as const

/**
 * Computes the EIP-712 digest that approvals and openings of an update (kind 0) or a started recovery (kind 1) sign.
 *
 * `previous` is the hash of the config in force; `next` is the new config, or its hash (protocol.md §3.2).
 */
export function setConfigDigest({
  chainId,
  kind,
  id,
  previous,
  next,
}: {
  chainId: bigint
  kind: 0 | 1
  id: Hex
  previous: Hex
  next: Config | ShortConfig | Hex
}): Hex {
  const nextHash = typeof next === 'string' ? next : configHash(next)
  const struct = borrowWords(4)
  struct.set(TYPE_HASHES[kind])
  writeHex(struct, 32, id, 32)
  writeHex(struct, 64, previous, 32)
  writeHex(struct, 96, nextHash, 32)
  return typedDataDigest(chainId, struct)
}

/** Builds the typed data that a wallet shows and signs (`eth_signTypedData_v4`); its hash is {@link setConfigDigest} (protocol.md §3.2). */
export function setConfigTypedData({
  chainId,
  kind,
  id,
  previous,
  next,
}: {
  chainId: bigint
  kind: 0 | 1
  id: Hex
  previous: Hex
  next: Config
}) {
  const domain = createDomain(chainId)
  const message = { id, previous, config: next }
  return kind === 0
    ? ({
        domain,
        types: { Authority: AUTHORITY_FIELDS, Config: CONFIG_FIELDS, SetConfig: MESSAGE_STRUCT },
        primaryType: 'SetConfig',
        message,
      } as const)
    : ({
        domain,
        types: { Authority: AUTHORITY_FIELDS, Config: CONFIG_FIELDS, StartRecovery: MESSAGE_STRUCT },
        primaryType: 'StartRecovery',
        message,
      } as const)
}
