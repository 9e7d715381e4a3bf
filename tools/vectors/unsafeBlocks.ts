import { hashTypedData } from 'viem'
import { type UnsafeBlock, unsafeBlockTypedData } from '../../protocol/index.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import { CHAIN_ID, hashOf } from './shared.ts'

const block: UnsafeBlock = { blockHash: hashOf('block'), blockNumber: 1_000n }

const cases: [name: string, chainId: bigint, block: UnsafeBlock][] = [
  ['a block', CHAIN_ID, block],
  ['the same on another rollup', 1n, block],
  ['another block of the same number', CHAIN_ID, { ...block, blockHash: hashOf('another block') }],
  ['the number zero', CHAIN_ID, { ...block, blockNumber: 0n }],
  ['a number at the top of its type', CHAIN_ID, { ...block, blockNumber: 2n ** 64n - 1n }],
]

/** Builds unsafe_block.json: what the promise signer signs of a block, as viem computes it, and its signature. */
export function unsafeBlockVectors() {
  const { key: signer, sign } = createTestSigner(1, 'promise signer')
  return {
    count: cases.length,
    cases: cases.map(([name, chainId, block]) => {
      const digest = hashTypedData(unsafeBlockTypedData(chainId, block))
      return {
        name,
        chainId: chainId.toString(),
        blockHash: block.blockHash,
        blockNumber: block.blockNumber.toString(),
        digest,
        signer,
        signature: sign(digest),
      }
    }),
  }
}
