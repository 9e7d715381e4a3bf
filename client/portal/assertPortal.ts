import {
  BaseError,
  type Client,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  isAddressEqual,
} from 'viem'
import { getChainId, getCode, readContract } from 'viem/actions'
import { keystorePortalAbi } from '../../contracts/index.ts'
import { PortalAbsentError, WrongL1Error } from '../errors.ts'
import type { ForcingRollup } from './ForcingRollup.ts'

/**
 * Makes sure that a client's chain is the rollup's L1, with its portal on it: whatever else stands there would take the
 * gas, and no node would see the deposit.
 *
 * @throws {WrongL1Error}
 * @throws {PortalAbsentError}
 */
export async function assertPortal(client: Client, rollup: ForcingRollup): Promise<void> {
  const { depositContractAddress: portal, l1SystemConfigAddress } = rollup
  const chainId = await getChainId(client)
  if (BigInt(chainId) !== rollup.l1ChainId) throw new WrongL1Error(chainId, rollup.l1ChainId)
  if ((await getCode(client, { address: portal })) === undefined) {
    throw new PortalAbsentError(portal, 'got an account without code')
  }
  const systemConfig = await readSystemConfig(client, rollup)
  if (!isAddressEqual(systemConfig, l1SystemConfigAddress)) {
    throw new PortalAbsentError(
      portal,
      `got a portal of SystemConfig ${systemConfig}, expected ${l1SystemConfigAddress}`,
    )
  }
}

async function readSystemConfig(client: Client, { depositContractAddress: portal }: ForcingRollup) {
  try {
    return await readContract(client, {
      address: portal,
      abi: keystorePortalAbi,
      functionName: 'systemConfig',
    })
  } catch (cause) {
    if (!isRefusedByContract(cause)) throw cause
    throw new PortalAbsentError(portal, 'got a contract that is no portal', { cause })
  }
}

function isRefusedByContract(error: unknown): boolean {
  if (!(error instanceof BaseError)) return false
  const found = error.walk(
    (cause) =>
      cause instanceof ContractFunctionZeroDataError || cause instanceof ContractFunctionRevertedError,
  )
  return found !== null
}
