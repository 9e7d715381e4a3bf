import type { Address, Client } from 'viem'
import { getCode } from 'viem/actions'
import { NotAContractError } from './errors.ts'

/**
 * Makes sure that a contract stands at an address: a call to any other succeeds, and does nothing.
 *
 * @throws {NotAContractError}
 */
export async function assertContract(client: Client, name: string, address: Address): Promise<void> {
  if ((await getCode(client, { address })) === undefined) throw new NotAContractError(name, address)
}
