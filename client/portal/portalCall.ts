import type { Hex } from 'viem'
import { keystorePortalAbi } from '../../contracts/index.ts'
import { decodeSetConfig, fromHex, KEYSTORE_ADDRESS, type SetConfig } from '../../protocol/index.ts'
import { UndecodableSetConfigError } from '../errors.ts'
import type { ForcingRollup } from './ForcingRollup.ts'

/** Makes the call of the portal that forces a set-config. The gas limit is part of the OP layout, and has no effect. */
export function portalCall({ depositContractAddress }: ForcingRollup, raw: Hex) {
  return {
    address: depositContractAddress,
    abi: keystorePortalAbi,
    functionName: 'depositTransaction',
    args: [KEYSTORE_ADDRESS, 0n, 0n, false, raw],
  } as const
}

/**
 * Decodes a set-config that shall be forced.
 *
 * @throws {InvalidHexError} when it is not hex.
 * @throws {UndecodableSetConfigError}
 */
export function decodeForced({ l2ChainId }: Pick<ForcingRollup, 'l2ChainId'>, raw: Hex): SetConfig {
  const bytes = fromHex(raw)
  const decoded = decodeSetConfig(bytes, l2ChainId)
  if (!decoded.ok) throw new UndecodableSetConfigError(decoded.reason, bytes.length, l2ChainId)
  return decoded.tx
}
