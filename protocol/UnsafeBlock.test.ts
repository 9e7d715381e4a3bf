import fc from 'fast-check'
import { hashTypedData } from 'viem'
import { describe, expect, it } from 'vitest'
import { arbitraryHash, arbitraryUint64 } from '../test/arbitraries.ts'
import { createTestSigner } from '../test/testSigners.ts'
import { isUnsafeBlockSigned, unsafeBlockDigest, unsafeBlockTypedData } from './UnsafeBlock.ts'

const arbitraryBlock = fc.record({ blockHash: arbitraryHash, blockNumber: arbitraryUint64 })

describe('unsafeBlockDigest', () => {
  it('is the EIP-712 hash of the typed data', () => {
    fc.assert(
      fc.property(arbitraryBlock, fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (block, chainId) => {
        expect(unsafeBlockDigest(chainId, block)).toBe(hashTypedData(unsafeBlockTypedData(chainId, block)))
      }),
      { numRuns: 50 },
    )
  })
})

describe('isUnsafeBlockSigned', () => {
  const { key: signer, sign } = createTestSigner(1, 'promise signer')

  it('holds for the signer, the block and the rollup, and for nothing else', () => {
    fc.assert(
      fc.property(arbitraryBlock, arbitraryBlock, arbitraryUint64, (block, other, chainId) => {
        const by = { signature: sign(unsafeBlockDigest(chainId, block)), signer }
        expect(isUnsafeBlockSigned(chainId, block, by)).toBe(true)
        expect(isUnsafeBlockSigned(chainId ^ 1n, block, by)).toBe(false)
        const { blockHash, blockNumber } = other
        if (blockHash !== block.blockHash) {
          expect(isUnsafeBlockSigned(chainId, { ...block, blockHash }, by)).toBe(false)
        }
        if (blockNumber !== block.blockNumber) {
          expect(isUnsafeBlockSigned(chainId, { ...block, blockNumber }, by)).toBe(false)
        }
        expect(isUnsafeBlockSigned(chainId, block, { ...by, signer: createTestSigner(1, 'x').key })).toBe(
          false,
        )
        expect(isUnsafeBlockSigned(chainId, block, { ...by, signature: '0x' })).toBe(false)
      }),
      { numRuns: 15 },
    )
  })
})
