import { createRequire } from 'node:module'
import { type Address, encodePacked, getAddress, type Hex, toFunctionSelector } from 'viem'
import { DevnetError } from './DevnetError.ts'

/** The OP Stack's L1 attributes predeploy. */
export const L1_BLOCK_ADDRESS: Address = '0x4200000000000000000000000000000000000015'

/** The only account that may set the L1 attributes. */
export const DEPOSITOR_ACCOUNT: Address = getAddress('0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001')

/** What an OP Stack block tells its contracts about its L1 origin. */
export type L1Attributes = {
  number: bigint
  /** Seconds. */
  timestamp: bigint
  hash: Hex
  /** Wei. */
  baseFee: bigint
  /** Wei. */
  blobBaseFee: bigint
  /** Blocks since the origin changed. */
  sequenceNumber: bigint
}

// OP Mainnet's fee scalars, and no batcher: these chains post nothing.
const BASE_FEE_SCALAR = 5227
const BLOB_BASE_FEE_SCALAR = 1014213
const NO_BATCHER: Hex = `0x${'00'.repeat(32)}`

/** Encodes the calldata of `setL1BlockValuesEcotone`, which is packed and not ABI-encoded. */
export function l1AttributesCalldata(l1: L1Attributes): Hex {
  const selector = toFunctionSelector('setL1BlockValuesEcotone()')
  return encodePacked(
    ['bytes4', 'uint32', 'uint32', 'uint64', 'uint64', 'uint64', 'uint256', 'uint256', 'bytes32', 'bytes32'],
    [
      ...([
        selector,
        BASE_FEE_SCALAR,
        BLOB_BASE_FEE_SCALAR,
        l1.sequenceNumber,
        l1.timestamp,
        l1.number,
      ] as const),
      ...([l1.baseFee, l1.blobBaseFee, l1.hash, NO_BATCHER] as const),
    ],
  )
}

/** Reads the predeploy's runtime code from Optimism's own release. */
export function l1BlockCode(): Hex {
  try {
    const artifact = '@eth-optimism/contracts-bedrock/forge-artifacts/L1Block.sol/L1Block.json'
    return createRequire(import.meta.url)(artifact).deployedBytecode.object
  } catch (cause) {
    const message = 'not installed; run: npm install --save-dev @eth-optimism/contracts-bedrock'
    throw new DevnetError('L1Block', message, { cause })
  }
}
