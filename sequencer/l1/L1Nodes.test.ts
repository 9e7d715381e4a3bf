import { numberToHex } from 'viem'
import { beforeEach, describe, expect, it } from 'vitest'
import { type Fetch, TemporaryFault } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'
import { createL1Nodes, type L1Nodes } from './L1Nodes.ts'

type FakeNode = { head: number; answers: boolean; isSilent?: boolean; heard: string[] }

class TestAnswer extends KeyrollError {
  override readonly name = 'TestAnswer'
}

describe('L1Nodes', () => {
  let fakes: Record<'first' | 'second', FakeNode>
  let clock: number
  let nodes: L1Nodes

  beforeEach(() => {
    fakes = {
      first: { head: 100, answers: true, heard: [] },
      second: { head: 100, answers: true, heard: [] },
    }
    clock = 0
    nodes = createL1Nodes({
      urls: ['http://first.invalid', 'http://second.invalid'],
      fetchFn: answerFor,
      now: () => clock,
    })
  })

  const answerFor: Fetch = async (url, init) => {
    const fake = String(url).includes('first') ? fakes.first : fakes.second
    const { id, method } = JSON.parse(String(init?.body)) as { id: number; method: string }
    if (fake.isSilent) return new Promise(() => undefined)
    if (!fake.answers) throw new TypeError('fetch failed')
    if (method !== 'eth_blockNumber') fake.heard.push(method)
    return Response.json({ jsonrpc: '2.0', id, result: numberToHex(fake.head) })
  }
  const price = () => nodes.ask((node) => node.request({ method: 'eth_gasPrice' }))
  /** The nodes that were asked last. */
  const heard = () => {
    const asked = Object.entries(fakes).flatMap(([name, fake]) => fake.heard.map(() => name))
    for (const fake of Object.values(fakes)) fake.heard = []
    return asked
  }

  it('asks the first node, and the next one only when it fails', async () => {
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['first'])
    fakes.first.answers = false
    await price()
    expect(heard()).toEqual(['second'])
    fakes.second.answers = false
    await expect(price()).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('asks a node last that is behind another, until it is not', async () => {
    await price()
    fakes.second.head = 102
    clock += 6_000
    await price()
    expect(heard()).toEqual(['first', 'first'])
    fakes.second.head = 103
    clock += 6_000
    expect(BigInt(await price())).toBe(103n)
    expect(heard()).toEqual(['second'])
    fakes.second.answers = false
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['first'])
    fakes.second.answers = true
    fakes.first.head = 103
    clock += 6_000
    await price()
    expect(heard()).toEqual(['first'])
  })

  it('asks a node last that does not say where it is, and does not wait for it', async () => {
    fakes.first.isSilent = true
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['second'])
  })

  it('tells all of them, and takes the word of the first that is not behind', async () => {
    const tell = () => nodes.tell((node) => node.request({ method: 'eth_gasPrice' }))
    fakes.second.head = 102
    expect(BigInt(await tell())).toBe(100n)
    expect(heard()).toEqual(['first', 'second'])
    fakes.second.head = 110
    clock += 6_000
    expect(BigInt(await tell())).toBe(110n)
    expect(heard()).toEqual(['first', 'second'])
    fakes.second.answers = false
    expect(BigInt(await tell())).toBe(100n)
    fakes.first.answers = false
    await expect(tell()).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('takes what a question throws of its own for an answer', async () => {
    const answer = new TestAnswer('no')
    let asked = 0
    const question = async () => {
      asked++
      throw answer
    }
    await expect(nodes.ask(question)).rejects.toBe(answer)
    expect(asked).toBe(1)
  })
})
