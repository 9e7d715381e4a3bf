import { type Address, encodeFunctionData, type Hex } from 'viem'
import { keystoreWalletFactoryAbi } from '../../contracts/index.ts'

/**
 * Names the call that deploys the wallet of keystore `id`, as user operations (ERC-4337) and signatures of wallets not
 * deployed yet (ERC-6492) carry it.
 */
export function getWalletDeployment(factory: Address, id: Hex): { factory: Address; factoryData: Hex } {
  const call = { abi: keystoreWalletFactoryAbi, functionName: 'createWallet', args: [id] } as const
  return { factory, factoryData: encodeFunctionData(call) }
}
