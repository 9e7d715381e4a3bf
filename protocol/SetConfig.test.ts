import fc from 'fast-check'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { arbitrarySetConfig } from '../test/arbitraries.ts'
import { keccakHex } from './bytes.ts'
import { configHash } from './Config.ts'
import { decodeSetConfig, parseSetConfig, setConfigToBytes } from './SetConfig.ts'
import { setConfigDigest } from './SetConfigDigest.ts'

const CHAIN_ID = 0x4b4b4b4bn

test('every set-config decodes to what was encoded, under the hash of its bytes', () => {
  fc.assert(
    fc.property(arbitrarySetConfig(CHAIN_ID), (tx) => {
      const raw = setConfigToBytes(tx)
      fc.pre(raw.length <= 32_768)
      expect(decodeSetConfig(raw, CHAIN_ID)).toEqual({
        ok: true,
        tx,
        nextHash: configHash(tx.next),
        hash: keccakHex(raw),
      })
    }),
  )
})

test('what its signatures are over is the digest for the config that is asked about, whatever was asked before', () => {
  const asked = fc.array(fc.constantFrom<Hex>(`0x${'01'.repeat(32)}`, `0x${'02'.repeat(32)}`), {
    minLength: 2,
  })
  fc.assert(
    fc.property(arbitrarySetConfig(CHAIN_ID), asked, (tx, previouses) => {
      const raw = setConfigToBytes(tx)
      fc.pre(raw.length <= 32_768)
      const parsed = parseSetConfig(raw, CHAIN_ID)
      const { chainId, id, kind, next } = tx
      const digests = previouses.map((previous) => parsed.ok && parsed.digestFor?.(previous))
      expect(digests).toEqual(
        previouses.map((previous) =>
          kind === 2 ? undefined : setConfigDigest({ chainId, kind, id, previous, next }),
        ),
      )
    }),
  )
})

test('a changed byte string is refused, or encodes back to itself', () => {
  const arbitraryChange = fc.record({
    kind: fc.constantFrom('replace', 'insert', 'remove'),
    position: fc.nat(),
    byte: fc.integer({ min: 0, max: 255 }),
  })
  fc.assert(
    fc.property(arbitrarySetConfig(CHAIN_ID), arbitraryChange, (tx, { kind, position, byte }) => {
      const bytes = [...setConfigToBytes(tx)]
      bytes.splice(position % bytes.length, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]))
      const changed = Uint8Array.from(bytes)
      const decoded = decodeSetConfig(changed, CHAIN_ID)
      if (decoded.ok) expect(setConfigToBytes(decoded.tx)).toEqual(changed)
    }),
    { numRuns: 500 },
  )
})

test('no bytes whatever make the decoder throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decodeSetConfig(bytes, CHAIN_ID).ok).toBe(false)
      expect(decodeSetConfig(Uint8Array.of(0x4b, ...bytes), CHAIN_ID).ok).toBe(false)
    }),
  )
})
