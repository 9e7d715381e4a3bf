import { concat, encodeAbiParameters, getAbiItem, type Hex, numberToHex, size } from 'viem'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import { type Approval, type Config, toShortConfig } from '../../protocol/index.ts'

/** What a keystore's signers put under a digest for an account that the keystore owns (protocol.md §7.5). */
export type OwnerSignature = {
  /** The config in force, or the one that the set-config puts in force. */
  current: Config
  /** By exactly the config's threshold of signers, ascending by the hashes of their keys. */
  approvals: readonly Approval[]
  /** A set-config for the account to preconfirm first, and the config in force before it. */
  preconfirm?: { head: Config; raw: Hex }
}

const [, , SHORT_CONFIG, , APPROVALS] = getAbiItem({ abi: keystoreReplicaAbi, name: 'checkApprovals' }).inputs

/** Encodes a signature as keystore wallets and validator modules take it (protocol.md §7.5). */
export function encodeOwnerSignature({ current, approvals, preconfirm }: OwnerSignature): Hex {
  const approved = encodeAbiParameters([SHORT_CONFIG, APPROVALS], [toShortConfig(current), approvals])
  if (preconfirm === undefined) return concat(['0x00', approved])
  const { head, raw } = preconfirm
  const encodedHead = encodeAbiParameters([SHORT_CONFIG], [toShortConfig(head)])
  return concat(['0x01', encodedHead, numberToHex(size(raw), { size: 4 }), raw, approved])
}
