import type { Address, Hex } from 'viem'
import { type RpcContext, type RpcMethod, type RpcWork, UNBOUNDED_WORK } from './RpcDispatcher.ts'
import { invalidParams } from './RpcError.ts'

/** Turns an unchecked value into a `T`; `name` says in errors which value it was. @throws {RpcError} */
export type Parser<T> = (value: unknown, name: string) => T

/** A positional parameter. */
export type Param<T> = { name: string; parse: Parser<T>; isOptional: boolean }

type Parsed<P extends readonly Param<unknown>[]> = {
  -readonly [K in keyof P]: P[K] extends Param<infer T> ? T : never
}

/** Describes a parameter that must be given. */
export function param<T>(name: string, parse: Parser<T>): Param<T> {
  return { name, parse, isOptional: false }
}

/** Describes a parameter that may be absent or null, and what it is then. */
export function optionalParam<T>(name: string, parse: Parser<T>, absent: T): Param<T> {
  return {
    name,
    parse: (value, path) => (value === undefined || value === null ? absent : parse(value, path)),
    isOptional: true,
  }
}

/** Makes a method that is called only with parameters of the right number and types. */
export function defineMethod<const P extends readonly Param<unknown>[]>(
  params: P,
  run: (args: Parsed<P>, context: RpcContext, work: RpcWork) => unknown,
): RpcMethod {
  return (values, context, work = UNBOUNDED_WORK) => {
    if (values.length > params.length) {
      const names = params.map(({ name }) => name).join(', ')
      throw invalidParams(
        'TOO_MANY_PARAMS',
        `got ${values.length} params, expected at most ${params.length}: [${names}]`,
      )
    }
    const args = params.map(({ name, parse, isOptional }, i) => {
      const value = values[i]
      if (value === undefined && !isOptional) {
        throw invalidParams('MISSING_PARAM', `expected ${name}`, { param: name })
      }
      return parse(value, name)
    })
    return run(args as Parsed<P>, context, work)
  }
}

/** Parses a 32-byte hash, `0x` and 64 hex digits. */
export const hash: Parser<Hex> = (value, name) => {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{64}$/.test(value)) {
    throw invalidParams('INVALID_HASH', `expected ${name} to be 32 bytes in hex`, { param: name })
  }
  return value.toLowerCase() as Hex
}

/** Parses a 20-byte address; a checksum in its case is not checked. */
export const address: Parser<Address> = (value, name) => {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(value)) {
    throw invalidParams('INVALID_ADDRESS', `expected ${name} to be 20 bytes in hex`, { param: name })
  }
  return value.toLowerCase() as Address
}

/** Parses a quantity of at most 64 bits: `0x` and hex digits without leading zeros. */
export const quantity: Parser<bigint> = (value, name) => {
  if (typeof value !== 'string' || !/^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,15})$/.test(value)) {
    throw invalidParams('INVALID_QUANTITY', `expected ${name} to be a hex quantity of at most 64 bits`, {
      param: name,
    })
  }
  return BigInt(value)
}

/** Parses a storage slot: 32 bytes in hex, or a hex quantity. */
export const slot: Parser<Hex> = (value, name) => {
  if (typeof value !== 'string' || !/^0x[0-9a-fA-F]{1,64}$/.test(value)) {
    throw invalidParams('INVALID_SLOT', `expected ${name} to be a storage slot, at most 32 bytes in hex`, {
      param: name,
    })
  }
  return `0x${value.slice(2).toLowerCase().padStart(64, '0')}`
}

/** Parses bytes in hex, at most `maxBytes` long. */
export function data(maxBytes: number): Parser<Hex> {
  return (value, name) => {
    if (typeof value !== 'string' || !/^0x([0-9a-fA-F]{2})*$/.test(value)) {
      throw invalidParams('INVALID_DATA', `expected ${name} to be bytes in hex`, { param: name })
    }
    if (value.length > 2 + 2 * maxBytes) {
      throw invalidParams('DATA_TOO_LONG', `expected ${name} to be at most ${maxBytes} bytes`, {
        param: name,
      })
    }
    return value.toLowerCase() as Hex
  }
}

/** Parses `true` or `false`. */
export const bool: Parser<boolean> = (value, name) => {
  if (typeof value !== 'boolean')
    throw invalidParams('INVALID_BOOLEAN', `expected ${name} to be true or false`, { param: name })
  return value
}

/** Parses a list of at most `maxLength` items. */
export function list<T>(parse: Parser<T>, maxLength: number): Parser<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value))
      throw invalidParams('INVALID_LIST', `expected ${name} to be an array`, { param: name })
    if (value.length > maxLength) {
      throw invalidParams(
        'LIST_TOO_LONG',
        `got ${value.length} items in ${name}, expected at most ${maxLength}`,
        { param: name },
      )
    }
    return value.map((item, i) => parse(item, `${name}[${i}]`))
  }
}

/** Narrows a value to an object that has no fields but the named ones. */
export function fields<const K extends string>(
  ...known: readonly K[]
): Parser<Readonly<Partial<Record<K, unknown>>>> {
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw invalidParams('INVALID_OBJECT', `expected ${name} to be an object`, { param: name })
    }
    const unknown = Object.keys(value).find((key) => !(known as readonly string[]).includes(key))
    if (unknown !== undefined) {
      throw invalidParams('UNKNOWN_FIELD', `expected ${name} to have only the fields ${known.join(', ')}`, {
        param: name,
      })
    }
    return value as Readonly<Partial<Record<K, unknown>>>
  }
}

/** Which block a call is about. */
export type BlockSelector = { tag: BlockTag } | { number: bigint } | { hash: Hex }

/** Names of blocks; `pending` is the latest, for nothing is visible before it is in a block. */
export type BlockTag = 'latest' | 'safe' | 'finalized' | 'earliest' | 'pending'

/** What a call is about when it does not say. */
export const LATEST: BlockSelector = { tag: 'latest' }

/** Parses a tag, a block number, or an EIP-1898 object. */
export const blockSelector: Parser<BlockSelector> = (value, name) => {
  if (isBlockTag(value)) return { tag: value }
  if (typeof value === 'string') return { number: parseBlockNumber(value, name) }
  const { blockHash, blockNumber, requireCanonical } = fields(
    'blockHash',
    'blockNumber',
    'requireCanonical',
  )(value, name)
  if ((blockHash === undefined) === (blockNumber === undefined)) {
    throw invalidParams('INVALID_BLOCK', `expected ${name} to have either blockHash or blockNumber`, {
      param: name,
    })
  }
  if (requireCanonical !== undefined) bool(requireCanonical, `${name}.requireCanonical`)
  if (blockHash !== undefined) return { hash: hash(blockHash, `${name}.blockHash`) }
  return { number: quantity(blockNumber, `${name}.blockNumber`) }
}

function parseBlockNumber(value: string, name: string): bigint {
  if (!/^0x(0|[1-9a-fA-F][0-9a-fA-F]{0,15})$/.test(value)) {
    const message = `expected ${name} to be latest, safe, finalized, earliest, pending or a hex quantity`
    throw invalidParams('INVALID_BLOCK', message, { param: name })
  }
  return BigInt(value)
}

function isBlockTag(value: unknown): value is BlockTag {
  return (
    value === 'latest' ||
    value === 'safe' ||
    value === 'finalized' ||
    value === 'earliest' ||
    value === 'pending'
  )
}
