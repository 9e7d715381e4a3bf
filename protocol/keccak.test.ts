import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { type Keccak, keccak, loadWasmKeccak } from './keccak.ts'

let wasm: Keccak

beforeAll(async () => {
  wasm = await loadWasmKeccak()
})

test('both implementations agree at every length around the sponge’s blocks', () => {
  for (let length = 0; length <= 3 * 136 + 1; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 0xff)
    expect(wasm(bytes)).toEqual(keccak_256(bytes))
    expect(keccak(bytes)).toEqual(keccak_256(bytes))
  }
})

test('both implementations agree on arbitrary bytes, also on views into larger buffers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40_000 }), fc.nat(100), (bytes, offset) => {
      const view = bytes.subarray(Math.min(offset, bytes.length))
      expect(wasm(view)).toEqual(keccak_256(view))
    }),
  )
})

test('a hash keeps its value when others are computed after it', () => {
  const first = wasm(Uint8Array.of(1))
  const copy = first.slice()
  wasm(Uint8Array.of(2))
  expect(first).toEqual(copy)
})
