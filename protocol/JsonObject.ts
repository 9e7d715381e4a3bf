import type { Hex } from 'viem'

/** An object out of somebody's JSON, whose fields are checked as they are read; each reader throws the object's own error. */
export type JsonObject = {
  /** Whether the field is there and not null. */
  has(name: string): boolean
  raw(name: string): unknown
  /** Bytes in hex, returned in lower case. */
  hex(name: string, length?: number): Hex
  /** A hex quantity below 2^bits. */
  quantity(name: string, bits: number): bigint
  boolean(name: string): boolean
  text(name: string): string
  list(name: string): readonly unknown[]
  /** A list of byte strings in hex, returned in lower case. */
  hexList(name: string): Hex[]
  object(name: string): JsonObject
}

/**
 * Takes JSON for an object.
 *
 * @param refuse makes the error that is thrown here, and by the readers, for JSON that is not what is read.
 */
export function toJsonObject(json: unknown, refuse: (details: string) => Error): JsonObject {
  const wrong = (got: unknown, expected: string) =>
    refuse(`got ${JSON.stringify(got)?.slice(0, 80) ?? 'nothing'}, expected ${expected}`)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw wrong(json, 'an object')
  const fields: Readonly<Record<string, unknown>> = { ...json }

  const toHex = (name: string, value: unknown, length?: number): Hex => {
    const isBytes = typeof value === 'string' && /^0x([0-9a-f]{2})*$/i.test(value)
    if (isBytes && (length === undefined || value.length === 2 + 2 * length))
      return value.toLowerCase() as Hex
    throw wrong(value, `${name} to be ${length ?? 'any number of'} bytes in hex`)
  }
  const list = (name: string): readonly unknown[] => {
    const value = fields[name]
    if (Array.isArray(value)) return value
    throw wrong(value, `${name} to be a list`)
  }
  return {
    has: (name) => fields[name] !== undefined && fields[name] !== null,
    raw: (name) => fields[name],
    hex: (name, length) => toHex(name, fields[name], length),
    quantity(name, bits) {
      const value = fields[name]
      if (typeof value === 'string' && /^0x[0-9a-f]{1,64}$/i.test(value)) {
        const quantity = BigInt(value)
        if (quantity < 1n << BigInt(bits)) return quantity
      }
      throw wrong(value, `${name} to be a hex quantity below 2^${bits}`)
    },
    boolean(name) {
      const value = fields[name]
      if (typeof value === 'boolean') return value
      throw wrong(value, `${name} to be true or false`)
    },
    text(name) {
      const value = fields[name]
      if (typeof value === 'string') return value
      throw wrong(value, `${name} to be text`)
    },
    list,
    hexList: (name) => list(name).map((value) => toHex(name, value)),
    object: (name) => toJsonObject(fields[name], (details) => refuse(`${name}: ${details}`)),
  }
}
