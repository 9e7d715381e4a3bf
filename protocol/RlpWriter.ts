import type { Hex } from 'viem'
import { writeHex } from './bytes.ts'
import { uintToRlp } from './Rlp.ts'

/**
 * Writes RLP (yellow paper, appendix B) from its end to its beginning, so that each length is known when its prefix comes, and
 * nothing is allocated but the result. What is written last stands first.
 */
export interface RlpWriter {
  /** How many bytes were written so far: where a list ends that is begun now. */
  readonly length: number
  /** Writes one byte as it is. */
  byte(value: number): void
  /** Writes bytes that are encoded already. */
  encoded(bytes: Uint8Array): void
  /** Writes a byte string. */
  string(bytes: Uint8Array): void
  /**
   * Writes the byte string that hex stands for.
   *
   * @throws {InvalidHexError} when it is not an even number of hex digits after `0x`, or not `length` bytes long.
   */
  hex(text: Hex, length?: number): void
  /**
   * Writes an unsigned integer.
   *
   * @throws {RlpError} when the value is negative.
   */
  uint(value: bigint | number): void
  /** Writes the prefix of the list that ends at `end`, by default at the end of everything. */
  list(end?: number): void
  /** Gives what was written, as a view that the next writer writes over. */
  view(): Uint8Array
}

/** More than most nodes and receipts take; a full branch node has 532 bytes. */
const SCRATCH = new Uint8Array(4096)

class BackwardWriter implements RlpWriter {
  #out: Uint8Array = SCRATCH
  #at = SCRATCH.length

  get length(): number {
    return this.#out.length - this.#at
  }

  reset(): void {
    this.#out = SCRATCH
    this.#at = SCRATCH.length
  }

  byte(value: number): void {
    this.#makeRoom(1)
    this.#out[this.#at] = value
  }

  encoded(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length)
    this.#out.set(bytes, this.#at)
  }

  string(bytes: Uint8Array): void {
    this.encoded(bytes)
    this.#stringPrefix(bytes.length)
  }

  hex(text: Hex, length?: number): void {
    const size = Math.max(0, (text.length >> 1) - 1)
    this.#makeRoom(size)
    writeHex(this.#out, this.#at, text, length)
    this.#stringPrefix(size)
  }

  uint(value: bigint | number): void {
    const number = Number(value)
    if (number < 0 || !Number.isSafeInteger(number)) {
      this.string(uintToRlp(value))
      return
    }
    const end = this.length
    for (let rest = number; rest > 0; rest = Math.floor(rest / 256)) this.byte(rest % 256)
    this.#stringPrefix(this.length - end)
  }

  list(end = 0): void {
    this.#prefix(this.length - end, 0xc0)
  }

  view(): Uint8Array {
    return this.#out.subarray(this.#at)
  }

  #makeRoom(bytes: number): void {
    if (bytes > this.#at) {
      const written = this.view()
      this.#out = new Uint8Array(2 * (written.length + bytes))
      this.#at = this.#out.length - written.length
      this.#out.set(written, this.#at)
    }
    this.#at -= bytes
  }

  /** Writes the prefix of the string that was written last; a byte below 0x80 has none. */
  #stringPrefix(length: number): void {
    if (length !== 1 || (this.#out[this.#at] as number) >= 0x80) this.#prefix(length, 0x80)
  }

  #prefix(length: number, base: number): void {
    if (length < 56) {
      this.byte(base + length)
      return
    }
    let width = 0
    for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) {
      this.byte(rest % 256)
      width++
    }
    this.byte(base + 55 + width)
  }
}

const WRITER = new BackwardWriter()

/** Lends the one writer there is, empty: whoever borrows next writes over the same memory. */
export function borrowRlpWriter(): RlpWriter {
  WRITER.reset()
  return WRITER
}
