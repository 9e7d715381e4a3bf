import fc from 'fast-check'
import {
  concat,
  decodeRlp,
  RlpError,
  type RlpItem,
  type SetConfig,
  setConfigToBytes,
} from '../../protocol/index.ts'
import { arbitrarySetConfig } from '../arbitraries.ts'

/** An RLP item to be spoilt; its `form` says how its length is written. */
type Item = { isList: boolean; bytes: Uint8Array; items: Item[]; form: Form }

type Form = (typeof FORMS)[number]

/** What a mutation needs of chance: which item it spoils, a number, and some bytes. */
type Chance = { at: number; number: number; bytes: Uint8Array }

type Mutation = (item: Item, chance: Chance) => void

const FORMS = ['canonical', 'prefixed', 'long', 'leadingZero', 'oneTooLong', 'huge'] as const

/** What goes wrong with encodings: each spoils one item. Some leave a canonical one, of another value or shape. */
const mutations: readonly Mutation[] = [
  (item, { number }) => {
    item.form = FORMS[number % FORMS.length] as Form
  },
  (item) => {
    item.isList = !item.isList
  },
  (item, { bytes }) => {
    item.bytes = bytes
  },
  (item) => {
    item.bytes = concat(Uint8Array.of(0), item.bytes)
  },
  (item, { number }) => {
    item.bytes = item.bytes.slice(number % 3)
  },
  (item, { number, bytes }) => {
    item.items.splice(number % (item.items.length + 1), 0, toItem(number % 2 === 0 ? bytes : [bytes]))
  },
  (item, { number }) => {
    item.items.splice(number % (item.items.length + 1), 1)
  },
  (item, { number }) => {
    const twin = item.items[number % (item.items.length + 1)]
    if (twin !== undefined) item.items.push(twin)
  },
  (item, chance) => {
    // WebAuthn signatures are RLP within the RLP.
    if (item.bytes.length < 104) return
    const inner = tryDecode(item.bytes)
    if (inner === undefined) return
    mutate(inner, chance.number % 8, { ...chance, number: chance.number >> 3 })
    item.bytes = encode(inner)
  },
]

/** The bytes of a set-config whose RLP is spoilt in at most two places, which may be anywhere. */
export function arbitraryEncoding(chainId: bigint): fc.Arbitrary<Uint8Array> {
  const chance = fc.record({
    at: fc.nat(1000),
    number: fc.nat(1000),
    bytes: fc.oneof(fc.uint8Array({ maxLength: 3 }), fc.uint8Array({ minLength: 30, maxLength: 66 })),
  })
  const mutation = fc.tuple(fc.nat(mutations.length - 1), chance)
  const tail = fc.option(fc.uint8Array({ minLength: 1, maxLength: 2 }), { freq: 20 })
  return fc
    .tuple(arbitrarySetConfig(chainId), fc.array(mutation, { maxLength: 2 }), tail)
    .map(([tx, chosen, after]) => spoil(tx, chosen, after ?? new Uint8Array()))
}

function spoil(tx: SetConfig, chosen: [number, Chance][], tail: Uint8Array): Uint8Array {
  const raw = setConfigToBytes(tx)
  const root = toItem(decodeRlp(raw.subarray(1)))
  for (const [which, chance] of chosen) mutate(root, which, chance)
  return concat(raw.subarray(0, 1), encode(root), tail)
}

function mutate(root: Item, which: number, chance: Chance): void {
  const items = flatten(root)
  const item = items[chance.at % items.length]
  if (item !== undefined) mutations[which]?.(item, chance)
}

function flatten(item: Item): Item[] {
  return [item, ...item.items.flatMap(flatten)]
}

function toItem(item: RlpItem): Item {
  return item instanceof Uint8Array
    ? { isList: false, bytes: item, items: [], form: 'canonical' }
    : { isList: true, bytes: new Uint8Array(), items: item.map(toItem), form: 'canonical' }
}

function tryDecode(bytes: Uint8Array): Item | undefined {
  try {
    return toItem(decodeRlp(bytes))
  } catch (error) {
    if (error instanceof RlpError) return undefined
    throw error
  }
}

function encode({ isList, bytes, items, form }: Item): Uint8Array {
  const payload = isList ? concat(...items.map(encode)) : bytes
  const base = isList ? 0xc0 : 0x80
  const long = (length: number[]) => concat(Uint8Array.of(base + 55 + length.length, ...length), payload)
  const short = (length: number) => concat(Uint8Array.of(base + length), payload)
  switch (form) {
    case 'canonical':
      if (!isList && payload.length === 1 && (payload[0] as number) < 0x80) return payload
      return payload.length < 56 ? short(payload.length) : long(bigEndian(payload.length))
    case 'prefixed':
      return payload.length < 56 ? short(payload.length) : long(bigEndian(payload.length))
    case 'long':
      return long(bigEndian(payload.length))
    case 'leadingZero':
      return long([0, ...bigEndian(payload.length)])
    case 'oneTooLong':
      return payload.length < 55 ? short(payload.length + 1) : long(bigEndian(payload.length + 1))
    case 'huge':
      return long(new Array<number>(8).fill(0xff))
  }
}

function bigEndian(length: number): number[] {
  return length < 256 ? [length] : [length >> 8, length & 0xff]
}
