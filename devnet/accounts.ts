import type { Address, Hex } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { bytesToHex } from 'viem/utils'

/** The mnemonic whose accounts every anvil funds. Public: never send real money there. */
const TEST_MNEMONIC = 'test test test test test test test test test test test junk'

const ROLES = ['deployer', 'batcher', 'proposer', 'challenger', 'promiseSigner', 'relayer', 'user'] as const

/** What an account of the devnet is for. */
export type Role = (typeof ROLES)[number]

/** A funded account and its (public) key. */
export type DevnetAccount = { address: Address; privateKey: Hex }

/** Derives the devnet's accounts, the same on every run. */
export function devnetAccounts(): Record<Role, DevnetAccount> {
  const entries = ROLES.map((role, addressIndex) => {
    const account = mnemonicToAccount(TEST_MNEMONIC, { addressIndex })
    const key = account.getHdKey().privateKey
    return [role, { address: account.address, privateKey: bytesToHex(key ?? new Uint8Array()) }] as const
  })
  return Object.fromEntries(entries) as Record<Role, DevnetAccount>
}
