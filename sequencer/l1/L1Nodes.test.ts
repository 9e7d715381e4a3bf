import { numberToHex } from 'viem'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLogger, type Fetch, TemporaryFault } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'
import { createL1Nodes, type L1Nodes } from './L1Nodes.ts'

/** `newest` is the time of its newest block, and what it answers, in seconds. */
type FakeNode = { newest: number; answers: boolean; isSilent?: boolean; heard: string[] }

class TestAnswer extends KeyrollError {
  override readonly name = 'TestAnswer'
}

describe('L1Nodes', () => {
  let fakes: Record<'first' | 'second', FakeNode>
  let clock: number
  let nodes: L1Nodes

  beforeEach(() => {
    fakes = {
      first: { newest: 100, answers: true, heard: [] },
      second: { newest: 100, answers: true, heard: [] },
    }
    clock = 1_000_000
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
    const result = numberToHex(fake.newest)
    if (method === 'eth_getBlockByNumber') {
      return Response.json({
        jsonrpc: '2.0',
        id,
        result: { number: '0x1', timestamp: result, transactions: [] },
      })
    }
    fake.heard.push(method)
    return Response.json({ jsonrpc: '2.0', id, result })
  }
  const price = () => nodes.ask((node) => node.request({ method: 'eth_gasPrice' }))
  /** The nodes that were asked last. */
  const heard = () => {
    const asked = Object.entries(fakes).flatMap(([name, fake]) => fake.heard.map(() => name))
    for (const fake of Object.values(fakes)) fake.heard = []
    return asked
  }

  it('says in few words why no node answered, and hands on nothing of the request', async () => {
    const raw = `0x${'5a'.repeat(500_000)}` as const
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    const failing: [string, Fetch, RegExp][] = [
      [
        'status',
        async () => new Response(`bad gateway ${'<br>'.repeat(10_000)}`, { status: 502 }),
        /bad gateway/,
      ],
      ['reset', () => Promise.reject(new TypeError('fetch failed', { cause: reset })), /ECONNRESET/],
    ]
    for (const [, fetchFn, reason] of failing) {
      const alone = createL1Nodes({ urls: ['http://first.invalid'], fetchFn })
      const fault: unknown = await alone
        .tell(
          (node) => node.sendRawTransaction({ serializedTransaction: raw }),
          () => true,
        )
        .catch((error: unknown) => error)
      expect(fault).toBeInstanceOf(TemporaryFault)
      const lines: string[] = []
      const destination = { write: (line: string) => lines.push(line) }
      createLogger({ level: 'warn', destination }).warn({ err: fault }, 'it goes on')
      expect(lines.join('')).toMatch(reason)
      expect(lines.join('').length).toBeLessThan(4_000)
    }
  })

  it('takes no answer to another request for the one to its own', async () => {
    const other: Fetch = async (_url, init) => {
      const { id } = JSON.parse(String(init?.body)) as { id: number }
      return Response.json({ jsonrpc: '2.0', id: id + 1, result: '0x7' })
    }
    const alone = createL1Nodes({ urls: ['http://first.invalid'], fetchFn: other })
    await expect(alone.ask((node) => node.getGasPrice())).rejects.toThrow(/another question/)
  })

  it('asks the first node, and the next one only when it fails', async () => {
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['first'])
    fakes.first.answers = false
    await price()
    expect(heard()).toEqual(['second'])
    fakes.second.answers = false
    await expect(price()).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('asks a node last whose newest block is three slots older than that of another', async () => {
    await price()
    fakes.second.newest = 136
    clock += 6_000
    await price()
    expect(heard()).toEqual(['first', 'first'])
    fakes.second.newest = 137
    clock += 6_000
    expect(BigInt(await price())).toBe(137n)
    expect(heard()).toEqual(['second'])
    fakes.second.answers = false
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['first'])
    fakes.second.answers = true
    fakes.first.newest = 137
    clock += 6_000
    await price()
    expect(heard()).toEqual(['first'])
  })

  it('looks again how far they are when its clock was set back', async () => {
    await price()
    fakes.second.newest = 137
    clock -= 500_000
    await price()
    expect(heard()).toEqual(['first', 'second'])
  })

  it('puts no node that is up to date behind one that claims to be from the future', async () => {
    fakes.first.newest = 1_000 - 24
    fakes.second.newest = 1_000_000_000
    await price()
    expect(heard()).toEqual(['first'])
  })

  it('asks a node last that does not say where it is, and does not wait for it', async () => {
    fakes.first.isSilent = true
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['second'])
  })

  it('tells all of them, and takes the word of one that took it, and else of the first', async () => {
    const tell = (isTaken: (answer: bigint) => boolean) =>
      nodes.tell(async (node) => BigInt(await node.request({ method: 'eth_gasPrice' })), isTaken)
    fakes.second.newest = 101
    expect(await tell(() => true)).toBe(100n)
    expect(heard()).toEqual(['first', 'second'])
    expect(await tell((answer) => answer === 101n)).toBe(101n)
    expect(await tell(() => false)).toBe(100n)
    fakes.second.newest = 200
    clock += 6_000
    expect(await tell(() => false)).toBe(200n)
    fakes.second.answers = false
    expect(await tell(() => false)).toBe(100n)
    fakes.first.answers = false
    await expect(tell(() => true)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('does not wait for a node that is silent when another took what it was told', async () => {
    await price()
    fakes.first.isSilent = true
    expect(
      await nodes.tell(
        (node) => node.getGasPrice(),
        () => true,
      ),
    ).toBe(100n)
    expect(
      await nodes.tell(
        (node) => node.getGasPrice(),
        () => false,
      ),
    ).toBe(100n)
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
