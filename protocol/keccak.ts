import { keccak_256 } from '@noble/hashes/sha3.js'
import { abytes } from '@noble/hashes/utils.js'
import {
  buildKeccakModule,
  INPUT_AT,
  MEMORY_BYTES,
  RATE_BYTES,
  STATE_AT,
  STATE_BYTES,
} from './keccakModule.ts'

/**
 * Computes Keccak-256 (yellow paper, `KEC`) of a byte string; 32 bytes, in an array of their own.
 *
 * @throws {TypeError} when it gets anything but a `Uint8Array`.
 */
export type Keccak = (bytes: Uint8Array) => Uint8Array

/** The part of WebAssembly's JavaScript interface that is used here: neither TypeScript's libraries nor Node's types have it without all of a browser. */
type WebAssemblyApi = {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: KeccakExports }
}
type KeccakExports = { memory: { buffer: ArrayBuffer }; absorb: (from: number, until: number) => void }

const HASH_BYTES = 32
/** So many bytes are absorbed at once, in whole blocks. */
export const MOST_INPUT_BYTES = Math.floor((MEMORY_BYTES - INPUT_AT) / RATE_BYTES) * RATE_BYTES

/**
 * Makes Keccak-256 in WebAssembly, many times as fast as the one in JavaScript (ADR 9).
 *
 * @throws when WebAssembly is missing or forbidden, or gets no memory.
 */
export function createWasmKeccak(): Keccak {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi }
  const { memory, absorb } = new WebAssembly.Instance(new WebAssembly.Module(buildKeccakModule())).exports
  const all = new Uint8Array(memory.buffer)
  return (bytes) => {
    abytes(bytes)
    all.fill(0, STATE_AT, STATE_AT + STATE_BYTES)
    let rest = bytes
    for (; rest.length >= MOST_INPUT_BYTES; rest = rest.subarray(MOST_INPUT_BYTES)) {
      all.set(rest.subarray(0, MOST_INPUT_BYTES), INPUT_AT)
      absorb(INPUT_AT, INPUT_AT + MOST_INPUT_BYTES)
    }
    // Padding is a bit behind the input and one at the end of the block (FIPS 202 §5.1), where SHA-3 has two bits more (§6.1).
    const end = INPUT_AT + rest.length
    const until = end + RATE_BYTES - (rest.length % RATE_BYTES)
    all.set(rest, INPUT_AT)
    all.fill(0, end, until)
    all[end] = 0x01
    all[until - 1] = (all[until - 1] as number) | 0x80
    absorb(INPUT_AT, until)
    return all.slice(STATE_AT, STATE_AT + HASH_BYTES)
  }
}

const wasm = tryWasm()

/** Computes Keccak-256 as raw bytes. */
export const keccak: Keccak = wasm ?? keccak_256

/** Whether it does so in WebAssembly; otherwise a hash takes ten times as long. */
export const isKeccakFast = wasm !== undefined

/** A page may forbid WebAssembly, or a limit deny it memory. Both ways give the same bytes. */
function tryWasm(): Keccak | undefined {
  try {
    return createWasmKeccak()
  } catch {
    return undefined
  }
}
