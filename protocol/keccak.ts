import { keccak_256 } from '@noble/hashes/sha3.js'
import { createKeccak } from 'hash-wasm'

/** Computes Keccak-256 (yellow paper, `KEC`) of a byte string; 32 bytes, in an array of their own. */
export type Keccak = (bytes: Uint8Array) => Uint8Array

/**
 * Compiles Keccak-256 in WebAssembly, several times as fast as the one in JavaScript.
 *
 * @throws when there is no WebAssembly here.
 */
export async function loadWasmKeccak(): Promise<Keccak> {
  const hasher = await createKeccak(256)
  const short = new Uint8Array(SHORT_BYTES)
  const views = Array.from({ length: SHORT_BYTES + 1 }, (_, length) => short.subarray(0, length))
  return (bytes) => {
    // The library takes a view of the bytes; V8 must move a short array off its heap for that, which costs more than to copy it.
    const view = views[bytes.length]
    view?.set(bytes)
    return hasher
      .init()
      .update(view ?? bytes)
      .digest('binary')
  }
}

/** V8 keeps typed arrays of up to so many bytes on its own heap. */
const SHORT_BYTES = 64

let fastest: Keccak = keccak_256

// Most of what a node computes is this hash. Both give the same bytes, so it does not matter from when on the faster one is
// used, and where there is no WebAssembly the other stays.
loadWasmKeccak().then(
  (wasm) => {
    fastest = wasm
  },
  () => undefined,
)

/** Computes Keccak-256 as raw bytes. */
export function keccak(bytes: Uint8Array): Uint8Array {
  return fastest(bytes)
}
