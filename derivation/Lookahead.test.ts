import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type L1Header, TemporaryFault } from '../node/index.ts'
import { createFakeL1, FAKE_L1_ADDRESSES } from '../test/FakeL1.ts'
import { createL1Source, type L1Source } from './L1Source.ts'
import { createLookahead } from './Lookahead.ts'

const BIG = 100_000
const PREPARED_AT_MOST = 400_000

/** An L1 whose blocks carry one submission each, of one repeated byte: the block's place. */
function setUp(sizes: readonly number[]) {
  const l1 = createFakeL1({ chainId: 1n, number: 100n, timestamp: 1_000n })
  const mine = (size: number, place: number) =>
    l1.mine([{ kind: 'batch', data: new Uint8Array(size).fill(place) }])
  const headers = sizes.map(mine)
  const asked: string[] = []
  const faults = new Map<string, number>()
  const direct = createL1Source(l1.client, FAKE_L1_ADDRESSES)
  async function told<T>(question: string, answer: Promise<T>): Promise<T> {
    asked.push(question)
    const left = faults.get(question) ?? 0
    faults.set(question, left - 1)
    if (left > 0) throw new TemporaryFault('try again')
    return await answer
  }
  const source: L1Source = {
    header: (number) => told(`header ${number}`, direct.header(number)),
    batcherData: (header) => told(`data ${header.number}`, direct.batcherData(header)),
  }
  const prepared: number[] = []
  const lookahead = createLookahead(source, (bytes) => prepared.push(bytes[0] as number))
  const read = async (header: L1Header) => {
    const data = await lookahead.batcherData(header)
    for (const datum of data) lookahead.took(datum)
    return data.map(({ bytes }) => bytes?.[0])
  }
  return { l1, mine, headers, asked, faults, lookahead, prepared, read }
}

/** Lets everything happen that needs no time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await setImmediate()
}

describe('the look-ahead', () => {
  it('reads every block once, in front of whoever follows, and gives what L1 gives', async () => {
    const { headers, asked, lookahead, read, prepared } = setUp([1, 1, 1, 1, 1, 1])
    const got: unknown[] = []
    for (const [i, header] of headers.entries()) {
      if (i > 0) expect(await lookahead.header(header.number)).toEqual(header)
      got.push(...(await read(header)))
      await settle()
      const isAsked = asked.includes(`data ${header.number + 1n}`)
      expect(isAsked).toBe(i + 1 < headers.length)
    }
    expect(got).toEqual([0, 1, 2, 3, 4, 5])
    expect(prepared).toEqual(got)
    const data = asked.filter((question) => question.startsWith('data'))
    expect(data).toEqual([...new Set(data)])
  })

  it('asks for several blocks together, and before it has read all that it asked for', async () => {
    const BLOCKS = 60
    const HALF = 8
    const { headers, asked, lookahead, read } = setUp(new Array(BLOCKS).fill(1))
    const asksAt: number[] = []
    for (const [i, header] of headers.entries()) {
      if (i > 0) await lookahead.header(header.number)
      asked.length = 0
      await read(header)
      await settle()
      asksAt.push(asked.filter((question) => question.startsWith('header')).length)
    }
    const full = asksAt.findIndex((count, i) => count === 0 && asksAt[i + 1] === 0)
    const steady = asksAt.slice(full, BLOCKS - 2 * HALF)
    expect(full).toBeLessThan(2 * HALF)
    expect(new Set(steady)).toEqual(new Set([0, HALF]))
    expect(steady.filter((count) => count > 0).length).toBe(Math.floor(steady.length / HALF))
  })

  it('prepares in the order of L1, and no more than a bounded part of what comes', async () => {
    const { headers, lookahead, prepared, read } = setUp(new Array(12).fill(BIG))
    let place = 0
    let most = 0
    for (const header of headers) {
      if (place > 0) await lookahead.header(header.number)
      await read(header)
      await settle()
      place++
      expect(prepared.length).toBeLessThanOrEqual(place + PREPARED_AT_MOST / BIG)
      most = Math.max(most, prepared.length - place)
    }
    expect(most).toBe(PREPARED_AT_MOST / BIG)
    expect(prepared).toEqual([...prepared].sort((a, b) => a - b))
    expect(prepared.length).toBe(headers.length)
  })

  it('prepares what is larger than all that may be prepared, once it is next', async () => {
    const { headers, lookahead, prepared, read } = setUp([1, PREPARED_AT_MOST + 1, 1])
    const [first, second] = headers as [L1Header, L1Header]
    await read(first)
    await settle()
    expect(prepared).toEqual([0, 1])
    await lookahead.header(second.number)
    await read(second)
    await settle()
    expect(prepared).toEqual([0, 1, 2])
  })

  it('asks again for what it could not read ahead, and tells of the fault only then', async () => {
    const { headers, faults, lookahead, read } = setUp([1, 1, 1])
    const [first, second, third] = headers as [L1Header, L1Header, L1Header]
    faults.set('data 102', 2)
    faults.set('header 103', 1)
    await read(first)
    await settle()
    await lookahead.header(102n)
    await expect(read(second)).rejects.toThrow(TemporaryFault)
    expect(await read(second)).toEqual([1])
    await settle()
    expect(await lookahead.header(103n)).toEqual(third)
  })

  it('does not hold on to a block that L1 has taken back', async () => {
    const { l1, headers, lookahead, read, mine } = setUp([1, 1, 1])
    const [first] = headers as [L1Header]
    await read(first)
    await settle()
    l1.takeBack(2)
    const other = mine(1, 9)
    lookahead.reset()
    expect(await lookahead.header(102n)).toEqual(other)
    expect(await read(other)).toEqual([9])
  })

  it('asks for one block ahead at the head of L1', async () => {
    const { headers, asked, lookahead, read, mine } = setUp([1])
    await read(headers[0] as L1Header)
    await settle()
    expect(asked).toEqual(['data 101', 'header 102'])
    expect(await lookahead.header(102n)).toBeUndefined()
    const next = mine(1, 1)
    expect(await lookahead.header(102n)).toEqual(next)
    expect(await read(next)).toEqual([1])
    await settle()
    expect(asked.filter((question) => question.startsWith('header'))).toEqual([
      'header 102',
      'header 102',
      'header 102',
      'header 103',
    ])
  })
})
