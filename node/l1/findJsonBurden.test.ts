import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findJsonBurden } from './findJsonBurden.ts'

const MIB = 1_048_576
const hex = (bytes: number) => `0x${'5a'.repeat(bytes)}`
const burdenOf = (json: unknown) => findJsonBurden(Buffer.from(JSON.stringify(json)))
/** Names that no two objects share. */
const nameOf = (number: number) => (36 ** 4 + number).toString(36)

/** So much of an answer as fills a mebibyte. */
function fill(make: (i: number) => string): string {
  const parts: string[] = []
  for (let i = 0, length = 0; length < MIB; i++) {
    const part = make(i)
    parts.push(part)
    length += part.length + 1
  }
  return `[${parts.join()}]`
}

function nested(levels: number): string {
  const opened = Array.from({ length: levels }, (_, i) => `{"${nameOf(i)}":`)
  return `${opened.join('')}0${'}'.repeat(levels)}`
}

/** An object of so many names that no other has. */
function strange(names: number, i: number, value = '0'): string {
  const fields = Array.from({ length: names }, (_, j) => `"${nameOf(i * names + j)}":${value}`)
  return `{${fields.join()}}`
}

/** An object of twenty names in an order that no other has them in. */
function shuffled(i: number): string {
  const left = [...'abcdefghijklmnopqrst']
  const order = Array.from({ length: left.length }, (_, j) => left.splice((i >> j) % left.length, 1)[0])
  return `{${order.map((name) => `"${name}":"${hex(32)}"`).join()}}`
}

describe('a long text is no burden', () => {
  const log = {
    address: hex(20),
    topics: [],
    data: '0x',
    blockNumber: '0x1',
    transactionHash: hex(32),
    transactionIndex: '0x0',
    blockHash: hex(32),
    logIndex: '0x0',
    removed: false,
  }
  const legacy = {
    type: '0x0',
    nonce: '0x0',
    gasPrice: '0x1',
    gas: '0x5208',
    to: null,
    value: '0x0',
    input: '0x',
    v: '0x1b',
    r: hex(32),
    s: hex(32),
  }
  const authorization = {
    chainId: '0x1',
    address: hex(20),
    nonce: '0x0',
    yParity: '0x0',
    r: hex(32),
    s: hex(32),
  }
  const receipt = { status: '0x1', cumulativeGasUsed: '0x5208', logsBloom: hex(256), logs: [log, log] }

  it.each([
    ['hashes', hex(32)],
    ['the shortest logs', log],
    ['logs of which only what is read is told', { address: hex(20), topics: [], data: '0x' }],
    ['receipts', receipt],
    ['the shortest transactions', legacy],
    [
      'transactions of other types',
      { ...legacy, type: '0x4', accessList: [], authorizationList: [authorization] },
    ],
    ['authorizations', authorization],
    ['withdrawals', { index: '0x1', validatorIndex: '0x1', address: hex(20), amount: '0x1' }],
    ['access lists', { address: hex(20), storageKeys: [] }],
    ['the indices of validators that were slashed', '12345'],
    [
      'attestations',
      { aggregation_bits: '0x01', data: { slot: '1', source: { epoch: '1', root: hex(32) } } },
    ],
    ['blobs', { index: '0', blob: hex(131_072), kzg_commitment: hex(48) }],
  ])('of %s', (_name, item) => {
    expect(findJsonBurden(Buffer.from(fill(() => JSON.stringify(item))))).toBeUndefined()
  })

  it('of objects in every shape that they have', () => {
    const kinds = [
      log,
      legacy,
      authorization,
      receipt,
      { ...legacy, to: hex(20) },
      { ...log, blockTimestamp: '0x1' },
    ]
    const mixed = fill((i) =>
      JSON.stringify({ ...kinds[i % kinds.length], ...kinds[(i >> 3) % kinds.length] }),
    )
    expect(findJsonBurden(Buffer.from(mixed))).toBeUndefined()
  })
})

describe('a burden are', () => {
  it.each([
    ['objects of a name each, one in the other', nested(MIB / 16)],
    ['objects of a name each', fill((i) => strange(1, i, `"${hex(32)}"`))],
    ['objects of a hundred names each', fill((i) => strange(100, i, `"${hex(32)}"`))],
    ['one object of all names', strange(20_000, 0)],
    ['few names in ever new orders', fill(shuffled)],
    ['names before which there is room', fill((i) => strange(4, i, `"${hex(32)}"`).replaceAll(':', ' \n:'))],
  ])('%s', (_name, json) => {
    expect(() => JSON.parse(json)).not.toThrow()
    expect(findJsonBurden(Buffer.from(json))).toMatch(/shapes/)
  })

  it.each(['0', '[]', '{}', '""', '"a"', '{"a":0}'])('tiny values: %s', (value) => {
    expect(findJsonBurden(Buffer.from(fill(() => value)))).toMatch(/values/)
  })

  it('millions of values, though each of them is long enough', () => {
    const values = (count: number) => Buffer.from(`[${'"12345678",'.repeat(count)}0]`)
    expect(findJsonBurden(values(4_100_000))).toBeUndefined()
    expect(findJsonBurden(values(4_200_000))).toMatch(/values/)
  })

  it('names that are written in several ways', () => {
    const written = (i: number) => `{"\\u00${(0x20 + (i % 64)).toString(16)}${nameOf(i)}":"${hex(32)}"}`
    expect(findJsonBurden(Buffer.from(fill(written)))).toMatch(/shapes/)
    expect(burdenOf([{ 'a"b': hex(32) }])).toMatch(/escaped quotes/)
  })
})

describe('findJsonBurden', () => {
  it('counts what stands in strings for nothing', () => {
    expect(burdenOf(Array.from({ length: 1_000 }, () => `${':{,['.repeat(100)}`))).toBeUndefined()
  })

  it('comes to an end with any text, JSON or not', () => {
    const piece = fc.constantFrom('"', ':', '{', '}', '[', ',', '\\', ' ', 'a', '""', '"name":')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), fc.nat(20), (pieces, times) => {
        const text = pieces.join('').repeat(times)
        expect(['string', 'undefined']).toContain(typeof findJsonBurden(Buffer.from(text)))
      }),
    )
  })
})
