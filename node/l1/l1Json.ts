import type { Hex } from 'viem'
import { fromHex, InvalidHexError, type RlpItem, uintToRlp } from '../../protocol/index.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** From so many characters on another decoder is faster. */
const LONG_HEX = 4_096

/** An object of an L1 node's answer, not yet checked. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Narrows an answer to an object. @throws {RefusedAnswerError} */
export function toObject(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  throw new RefusedAnswerError('got something else than an object from L1')
}

/** Narrows an answer to a list. @throws {RefusedAnswerError} */
export function toList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new RefusedAnswerError('got something else than an array from L1')
}

/** Reads a field of hex bytes, of an exact length where one is given. @throws {RefusedAnswerError} */
export function bytesField(object: JsonObject, name: string, length?: number): Uint8Array {
  const bytes = bytesOf(object[name], length)
  if (bytes === undefined) throw wrongField(name, length)
  return bytes
}

/** Reads hex bytes, of an exact length where one is given; undefined for anything else. */
export function bytesOf(value: unknown, length?: number): Uint8Array | undefined {
  if (typeof value !== 'string') return undefined
  if (value.length > LONG_HEX) return longBytesOf(value, length)
  try {
    return fromHex(value as Hex, length)
  } catch (error) {
    if (error instanceof InvalidHexError) return undefined
    throw error
  }
}

/** Does the same in a third of the time, for calldata and blobs. */
function longBytesOf(value: string, length: number | undefined): Uint8Array | undefined {
  const size = value.length / 2 - 1
  if (!value.startsWith('0x') || !Number.isInteger(size) || (length ?? size) !== size) return undefined
  // The decoder looks at the lower byte of a character only, and stops at the first that is no digit.
  if (Buffer.byteLength(value) !== value.length) return undefined
  const bytes = new Uint8Array(size)
  return Buffer.from(bytes.buffer).write(value.slice(2), 'hex') === size ? bytes : undefined
}

/** Reads a field of hex bytes as lower-case hex. @throws {RefusedAnswerError} */
export function hexField(object: JsonObject, name: string, length?: number): Hex {
  const value = object[name]
  // Pairs of digits in the expression would take a stack that megabytes of data exceed.
  if (typeof value === 'string' && value.length % 2 === 0 && /^0x[0-9a-fA-F]*$/.test(value)) {
    if (length === undefined || value.length === 2 + 2 * length) return value.toLowerCase() as Hex
  }
  throw wrongField(name, length)
}

function wrongField(name: string, length: number | undefined): RefusedAnswerError {
  return new RefusedAnswerError(
    `got a wrong ${name} from L1, expected ${length ?? 'any number of'} bytes in hex`,
  )
}

/** Reads a hex quantity of at most 256 bits. @throws {RefusedAnswerError} */
export function quantityField(object: JsonObject, name: string): bigint {
  const value = object[name]
  if (typeof value === 'string' && /^0x[0-9a-fA-F]{1,64}$/.test(value)) return BigInt(value)
  throw new RefusedAnswerError(`got a wrong ${name} from L1, expected a hex quantity`)
}

/** Reads a quantity as the RLP string that stands for it. @throws {RefusedAnswerError} */
export function quantityItem(object: JsonObject, name: string): RlpItem {
  return uintToRlp(quantityField(object, name))
}
