import fc from 'fast-check'
import { hashStruct, hashTypedData } from 'viem'
import { expect, test } from 'vitest'
import { arbitraryConfig, arbitraryHash } from '../test/arbitraries.ts'
import { configHash, toShortConfig } from './Config.ts'
import { setConfigDigest, setConfigTypedData } from './SetConfigDigest.ts'

const arbitraryMessage = fc.record({
  chainId: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  id: arbitraryHash,
  previous: arbitraryHash,
  next: arbitraryConfig,
})

test('the config hash is the EIP-712 hashStruct that viem computes, from the long and the short form', () => {
  fc.assert(
    fc.property(arbitraryMessage, (message) => {
      const { types } = setConfigTypedData({ ...message, kind: 0 })
      const { next } = message
      const expected = hashStruct({ data: next, primaryType: 'Config', types })
      expect(configHash(next)).toBe(expected)
      expect(configHash(toShortConfig(next))).toBe(expected)
    }),
  )
})

test.each([0, 1] as const)('the digest of kind %i is the typed data hash that viem computes', (kind) => {
  fc.assert(
    fc.property(arbitraryMessage, (message) => {
      const typedData = setConfigTypedData({ ...message, kind })
      const expected =
        typedData.primaryType === 'SetConfig' ? hashTypedData(typedData) : hashTypedData(typedData)
      expect(setConfigDigest({ ...message, kind })).toBe(expected)
      expect(setConfigDigest({ ...message, kind, next: configHash(message.next) })).toBe(expected)
    }),
  )
})

test('an update and a recovery to the same config have different digests', () => {
  fc.assert(
    fc.property(arbitraryMessage, (message) => {
      expect(setConfigDigest({ ...message, kind: 0 })).not.toBe(setConfigDigest({ ...message, kind: 1 }))
    }),
  )
})
