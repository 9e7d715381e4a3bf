import type { Hex } from 'viem'
import { fromHex } from '../protocol/index.ts'
import { type Party, WrongAnswerError } from './errors.ts'

/** An object that a party answered; every reader throws {@link WrongAnswerError} when the field is not what it reads. */
export type Answer = {
  has(name: string): boolean
  raw(name: string): unknown
  hex(name: string, length?: number): Hex
  bytes(name: string, length?: number): Uint8Array
  quantity(name: string): bigint
  /** A list of byte strings in hex, such as trie nodes. */
  byteList(name: string): Uint8Array[]
  list(name: string): readonly unknown[]
}

/**
 * Takes a party's answer for an object, whose fields are checked as they are read.
 *
 * @throws {WrongAnswerError} when it is none.
 */
export function toAnswer(party: Party, question: string, json: unknown): Answer {
  const wrong = (what: string, got: unknown) =>
    new WrongAnswerError(party, `${question}: got ${JSON.stringify(got)?.slice(0, 80)}, expected ${what}`)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong('an object', json)
  const object: Readonly<Record<string, unknown>> = { ...json }

  const toHex = (name: string, value: unknown, length?: number): Hex => {
    if (typeof value === 'string' && /^0x([0-9a-f]{2})*$/i.test(value)) {
      if (length === undefined || value.length === 2 + 2 * length) return value.toLowerCase() as Hex
    }
    throw wrong(`${name} of ${length ?? 'any number of'} bytes in hex`, value)
  }
  const list = (name: string): readonly unknown[] => {
    const value = object[name]
    if (Array.isArray(value)) return value
    throw wrong(`a list ${name}`, value)
  }
  return {
    has: (name) => object[name] !== undefined && object[name] !== null,
    raw: (name) => object[name],
    hex: (name, length) => toHex(name, object[name], length),
    bytes: (name, length) => fromHex(toHex(name, object[name], length)),
    quantity(name) {
      const value = object[name]
      if (typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value)) return BigInt(value)
      throw wrong(`a hex quantity ${name}`, value)
    },
    byteList: (name) => list(name).map((value) => fromHex(toHex(name, value))),
    list,
  }
}
