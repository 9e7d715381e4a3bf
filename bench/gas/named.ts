import type { Hex } from 'viem'
import { asciiToBytes, keccak, toHex } from '../../protocol/index.ts'

/** 32 bytes that stand for something, the same in every run. */
export function named(what: string): Uint8Array {
  return keccak(asciiToBytes(what))
}

/** {@link named}, as hex. */
export function namedHex(what: string): Hex {
  return toHex(named(what))
}

/** As {@link named}, any number of bytes. */
export function namedBytes(what: string, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil(length / 32) * 32)
  for (let at = 0; at < bytes.length; at += 32) bytes.set(named(`${what} ${at}`), at)
  return bytes.slice(0, length)
}
