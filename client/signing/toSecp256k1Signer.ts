import type { Hex, LocalAccount } from 'viem'
import type { ConfigSigner } from './ConfigSigner.ts'

/** Takes an account that signs typed data for a signer of scheme 1: a viem local account, or one that asks a wallet. */
export function toSecp256k1Signer(account: Pick<LocalAccount, 'address' | 'signTypedData'>): ConfigSigner {
  return {
    scheme: 1,
    key: account.address.toLowerCase() as Hex,
    sign: ({ typedData }) => account.signTypedData(typedData),
  }
}
