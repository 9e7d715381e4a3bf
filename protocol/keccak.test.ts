import { keccak_256 } from '@noble/hashes/sha3.js'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { createWasmKeccak, isKeccakFast, keccak, MOST_INPUT_BYTES } from './keccak.ts'
import { buildKeccakModule } from './keccakModule.ts'

const wasm = createWasmKeccak()

afterEach(() => void vi.unstubAllGlobals())

test.each([
  ['rise', (i: number) => i],
  ['fall', (i: number) => 3 * 136 + 1 - i],
])(
  'both implementations agree at every length around the sponge’s blocks, as lengths %s',
  (_how, lengthOf) => {
    for (let i = 0; i <= 3 * 136 + 1; i++) {
      const length = lengthOf(i)
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 7 + length) & 0xff)
      expect(wasm(bytes)).toEqual(keccak_256(bytes))
      expect(keccak(bytes)).toEqual(keccak_256(bytes))
    }
  },
)

test('both implementations agree on arbitrary bytes, also on views into larger buffers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40_000 }), fc.nat(100), (bytes, offset) => {
      const view = bytes.subarray(Math.min(offset, bytes.length))
      expect(wasm(view)).toEqual(keccak_256(view))
    }),
  )
})

test('both implementations agree on long inputs, which are absorbed in pieces', () => {
  for (const length of [MOST_INPUT_BYTES, 2 * MOST_INPUT_BYTES]) {
    for (const more of [-137, -136, -135, -1, 0, 1, 135, 136, 137]) {
      const bytes = Uint8Array.from({ length: length + more }, (_, i) => (i * 31) & 0xff)
      expect(wasm(bytes)).toEqual(keccak_256(bytes))
    }
  }
})

test.each([
  ['', 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470'],
  ['abc', '4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45'],
  ['Transfer(address,address,uint256)', 'ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'],
])('the hash of "%s" is what is known of it', (text, hash) => {
  expect(Buffer.from(wasm(Buffer.from(text))).toString('hex')).toBe(hash)
})

test('where WebAssembly is missing or forbidden, the hash is the same', async () => {
  const refuse = class {
    constructor() {
      throw new EvalError('a policy forbids code that was not served')
    }
  }
  const bytes = Uint8Array.of(1, 2, 3)
  expect(keccak).not.toBe(keccak_256)
  expect(isKeccakFast).toBe(true)
  for (const api of [undefined, { Module: refuse }]) {
    vi.stubGlobal('WebAssembly', api)
    vi.resetModules()
    const without = await import('./keccak.ts')
    expect(without.keccak).toBe(keccak_256)
    expect(without.isKeccakFast).toBe(false)
    expect(without.keccak(bytes)).toEqual(keccak(bytes))
  }
})

test('a hash keeps its value when others are computed after it', () => {
  const first = wasm(Uint8Array.of(1))
  const copy = first.slice()
  wasm(Uint8Array.of(2))
  expect(first).toEqual(copy)
})

test('what is no Uint8Array is refused by both implementations', () => {
  const others: unknown[] = ['0x12', [1, 2], 5, new ArrayBuffer(4), Uint16Array.of(256), undefined]
  for (const other of others) {
    for (const hash of [wasm, keccak_256]) expect(() => hash(other as Uint8Array)).toThrow(TypeError)
  }
})

test('the module is small enough for browsers that compile only 4 KB at once', () => {
  expect(buildKeccakModule().length).toBeLessThan(4_096)
})
