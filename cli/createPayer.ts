import {
  type Chain,
  createClient,
  createNonceManager,
  createWalletClient,
  defineChain,
  type HttpTransport,
  type LocalAccount,
  type WalletClient,
} from 'viem'
import { getChainId } from 'viem/actions'
import { jsonRpc } from 'viem/nonce'
import { httpTransport } from './httpTransport.ts'

/**
 * Makes a client for an account that sends one transaction after the other. It signs for the chain that its node names now,
 * whatever that says later, and goes on after the last nonce, though a node behind it counts fewer; after a failure, a
 * reset of the account's nonces, or nonce 0, which viem does not remember, the node alone is believed.
 */
export async function createPayer(
  url: string,
  account: LocalAccount,
): Promise<WalletClient<HttpTransport, Chain, LocalAccount>> {
  const transport = httpTransport(url)
  const id = await getChainId(createClient({ transport }))
  const chain = defineChain({
    id,
    name: `chain ${id}`,
    nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  })
  const nonceManager = createNonceManager({ source: jsonRpc() })
  return createWalletClient({ account: { ...account, nonceManager }, chain, transport, pollingInterval: 100 })
}
