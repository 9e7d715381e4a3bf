import { numberToHex } from 'viem'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { CriticalFault, createLogger, type Fetch, type Logger, TemporaryFault } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'
import { createL1Nodes, type L1Nodes } from './L1Nodes.ts'

/** `newest` is the time of its newest block, and what it answers, in seconds. */
type FakeNode = {
  chainId: number
  newest: number
  answers: boolean
  isSilent?: boolean
  heard: string[]
  /** All that it was asked, also what comes before any question. */
  methods: Set<string>
}

class TestAnswer extends KeyrollError {
  override readonly name = 'TestAnswer'
}

describe('L1Nodes', () => {
  let fakes: Record<'first' | 'second', FakeNode>
  let clock: number
  let nodes: L1Nodes
  let warn: ReturnType<typeof vi.fn<Logger['warn']>>

  beforeEach(() => {
    fakes = {
      first: { chainId: 900, newest: 100, answers: true, heard: [], methods: new Set() },
      second: { chainId: 900, newest: 100, answers: true, heard: [], methods: new Set() },
    }
    warn = vi.fn<Logger['warn']>()
    clock = 1_000_000
    nodes = createL1Nodes({
      urls: ['http://first.invalid/v3/key', 'http://second.invalid'],
      chainId: 900n,
      logger: { ...createLogger({ level: 'silent' }), warn },
      fetchFn: answerFor,
      now: () => clock,
    })
  })

  const answerFor: Fetch = async (url, init) => {
    const fake = String(url).includes('first') ? fakes.first : fakes.second
    const { id, method } = JSON.parse(String(init?.body)) as { id: number; method: string }
    if (fake.isSilent) return silence(init?.signal)
    if (!fake.answers) throw new TypeError('fetch failed')
    fake.methods.add(method)
    if (method === 'eth_chainId')
      return Response.json({ jsonrpc: '2.0', id, result: numberToHex(fake.chainId) })
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
  const silence = (signal: AbortSignal | null | undefined) =>
    new Promise<never>((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
  /** Makes a node of this chain that answers all other questions so. */
  const saysItsChain =
    (rest: Fetch): Fetch =>
    async (url, init) => {
      const { method } = JSON.parse(String(init?.body)) as { method: string }
      return method === 'eth_chainId' ? answerFor(url, init) : rest(url, init)
    }
  const aloneAt = (fetchFn: Fetch) =>
    createL1Nodes({ urls: ['http://first.invalid'], chainId: 900n, fetchFn: saysItsChain(fetchFn) })
  const price = () => nodes.ask((node) => node.request({ method: 'eth_gasPrice' }))
  const tellPrice = (isTaken = () => true) => nodes.tell((node) => node.getGasPrice(), isTaken)
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
      const alone = aloneAt(fetchFn)
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
    const alone = aloneAt(other)
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

  it('leaves a first node that was up to date and has fallen silent', async () => {
    await price()
    heard()
    fakes.first.isSilent = true
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const asked = price()
      await vi.advanceTimersByTimeAsync(14_000)
      expect(heard()).toEqual([])
      await vi.advanceTimersByTimeAsync(17_000)
      expect(heard()).toEqual(['second'])
      expect(BigInt(await asked)).toBe(100n)
    } finally {
      vi.useRealTimers()
    }
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
    expect(await tellPrice()).toBe(100n)
    expect(await tellPrice(() => false)).toBe(100n)
  })

  it('asks a node of another chain nothing but its chain, and names it once by its host', async () => {
    fakes.first.chainId = 901
    fakes.first.newest = 1_000
    for (let round = 0; round < 3; round++) {
      expect(BigInt(await price())).toBe(100n)
      expect(await tellPrice(() => false)).toBe(100n)
      clock += 6_000
    }
    expect([...fakes.first.methods]).toEqual(['eth_chainId'])
    expect(warn.mock.calls).toEqual([
      [
        { node: 'first.invalid', chainId: 901n, expected: 900n },
        'an L1 node is of another chain; it is left out',
      ],
    ])
  })

  it('is left without a node when the one of this chain does not answer, and waits for it', async () => {
    fakes.first.answers = false
    fakes.second.chainId = 901
    for (const ask of [price, tellPrice]) {
      const asked = ask()
      await expect(asked).rejects.toBeInstanceOf(TemporaryFault)
      await expect(asked).rejects.toThrow(/fetch failed/)
    }
    expect([...fakes.second.methods]).toEqual(['eth_chainId'])
    fakes.first.answers = true
    expect(BigInt(await price())).toBe(100n)
    expect(heard()).toEqual(['first'])
  })

  it('gives up when all nodes are of other chains', async () => {
    fakes.first.chainId = 901
    fakes.second.chainId = 1
    for (const ask of [price, tellPrice]) {
      const asked = ask()
      await expect(asked).rejects.toBeInstanceOf(CriticalFault)
      await expect(asked).rejects.toThrow(/chain 901, 1, expected 900/)
    }
  })

  it('asks a node for its chain again when it has failed, and takes it back when it is of the right one', async () => {
    await price()
    fakes.first.answers = false
    await price()
    fakes.first.methods.clear()
    Object.assign(fakes.first, { answers: true, chainId: 901 })
    heard()
    await price()
    expect(heard()).toEqual(['second'])
    expect([...fakes.first.methods]).toEqual(['eth_chainId'])
    fakes.first.chainId = 900
    clock += 6_000
    await price()
    expect(heard()).toEqual(['first'])
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('asks a node for its chain once as long as it answers', async () => {
    await price()
    for (const fake of Object.values(fakes)) fake.methods.clear()
    clock += 6_000
    await price()
    await tellPrice()
    for (const { methods } of Object.values(fakes)) expect(methods).not.toContain('eth_chainId')
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
    fakes.first.methods.clear()
    await price()
    expect(fakes.first.methods).not.toContain('eth_chainId')
  })
})
