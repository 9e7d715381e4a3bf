import { createRequire } from 'node:module'
import { concat, type Hex } from 'viem'
import { sendTransaction, waitForTransactionReceipt } from 'viem/actions'
import { DEPLOYMENT_PROXY, type DeployingClient } from '../contracts/index.ts'
import { DevnetError } from './DevnetError.ts'

/** With which the EntryPoint v0.8 was deployed to every chain. */
const SALT: Hex = '0x0a59dbff790c23c976a548690c27297883cc66b4c67024f9117b0238995e35e9'

const require = createRequire(import.meta.url)

/** Deploys ERC-4337's EntryPoint v0.8 to the address that it has everywhere. */
export async function deployEntryPoint(client: DeployingClient): Promise<void> {
  const { account, chain = null } = client
  const data = entryPointCreation()
  const hash = await sendTransaction(client, { account, chain, to: DEPLOYMENT_PROXY, data })
  const { status } = await waitForTransactionReceipt(client, { hash })
  if (status !== 'success') throw new DevnetError('EntryPoint', `transaction ${hash} reverted`)
}

/** Reads what the deterministic deployment proxy is sent to create the EntryPoint v0.8, as published. */
export function entryPointCreation(): Hex {
  const { bytecode }: { bytecode: Hex } = require('@account-abstraction/contracts/artifacts/EntryPoint.json')
  return concat([SALT, bytecode])
}
