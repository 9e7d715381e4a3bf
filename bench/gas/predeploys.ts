import { createRequire } from 'node:module'
import { type Address, type Hex, pad } from 'viem'

/** EIP-1967. */
export const IMPLEMENTATION_SLOT: Hex = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc'

/** Where OP Stack chains put the code of the L1Block predeploy, which itself is a proxy. */
export const L1_BLOCK_IMPLEMENTATION: Address = '0xc0d3c0d3c0d3c0d3c0d3c0d3c0d3c0d3c0d30015'

/** Where the predeploy stores the hash of an L1 block. */
export const L1_BLOCK_HASH_SLOT: Hex = pad('0x02')

const require = createRequire(import.meta.url)

/** Reads the code of the proxy that stands at the addresses of an OP Stack chain's predeploys. */
export function proxyCode(): Hex {
  return require('@eth-optimism/contracts-bedrock/forge-artifacts/Proxy.sol/Proxy.json').deployedBytecode
    .object
}
