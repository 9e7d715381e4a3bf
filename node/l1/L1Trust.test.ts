import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createHashedL1, createHashKzg, type HashedL1, type L1Lie } from '../../test/HashedL1.ts'
import { tellsOf } from '../../test/l1Lies.ts'
import { startSilentServer } from '../../test/silentServer.ts'
import { CriticalFault, ResetFault, TemporaryFault } from '../Fault.ts'
import { createHttp, type Http } from './Http.ts'
import { createL1Client, type L1ClientOptions } from './L1Client.ts'

const START = { chainId: 31_337n, number: 0n, timestamp: 1_000n }

/** An L1 of 200 blocks, each but the first other than in the fork that the liars tell of. */
function setUp(lies: (fork: HashedL1) => Readonly<Record<string, L1Lie>>, options: Partial<L1ClientOptions>) {
  const l1 = createHashedL1(START)
  const fork = createHashedL1(START)
  for (let i = 0; i < 200; i++) l1.mine()
  for (let i = 0; i < 300; i++) fork.mine([], i === 0 ? 24n : 12n)
  const byHost = lies(fork)
  const asked: string[] = []
  l1.lie = (question, truth) => {
    asked.push(`${question.host} ${question.method}`)
    const lie = byHost[question.host]
    return lie === undefined ? truth : lie(question, truth)
  }
  const client = createL1Client({
    urls: ['http://rpc1', 'http://rpc2', 'http://rpc3'],
    http: l1.http,
    kzg: createHashKzg(),
    retryPauseMs: 0,
    now: () => 0,
    ...options,
  })
  const hashAt = (number: bigint, of = l1) => {
    const block = of.answer({ host: 'rpc', method: 'eth_getBlockByNumber', params: [number, false] })
    return (block as { hash: string }).hash
  }
  return { l1, fork, client, asked, hashAt }
}

const dead: L1Lie = () => new Response('', { status: 502 })
const lagging =
  (l1: () => HashedL1, blocks: bigint): L1Lie =>
  (question, truth) => {
    const head = l1().head().number - blocks
    const [first, second] = question.params
    if (first === 'latest') return l1().answer({ ...question, params: [head, second] })
    return question.method === 'eth_getBlockByNumber' && BigInt(String(first)) > head ? null : truth
  }

describe('a quorum', () => {
  it.each([200n, 150n, 100n, 1n])(
    'names the honest block %i, near the head and far below, while one of three tells of a longer L1',
    async (number) => {
      const { client, hashAt, fork } = setUp((other) => ({ rpc1: tellsOf(other) }), { quorum: 2 })
      expect((await client.header('latest'))?.number).toBe(200n)
      expect((await client.header(number))?.hash).toBe(hashAt(number))
      expect(hashAt(number)).not.toBe(hashAt(number, fork))
      expect(await client.header(250n)).toBeUndefined()
    },
  )

  it('goes on at the slower of two honest nodes though a third claims far more', async () => {
    const world = setUp((fork) => ({ rpc1: tellsOf(fork), rpc2: lagging(() => world.l1, 3n) }), { quorum: 2 })
    expect((await world.client.header('latest'))?.hash).toBe(world.hashAt(197n))
  })

  it('finalizes nothing that only a liar calls final', async () => {
    const { client, l1 } = setUp(
      () => ({
        rpc1: (question, truth) =>
          question.params[0] === 'finalized' ? l1.answer({ ...question, params: [190n, false] }) : truth,
      }),
      { quorum: 2 },
    )
    l1.finalize(150n)
    expect((await client.header('finalized'))?.number).toBe(150n)
  })

  it('waits when fewer answer than it takes', async () => {
    const { client } = setUp(() => ({ rpc1: dead, rpc2: dead }), { quorum: 2 })
    await expect(client.header('latest')).rejects.toBeInstanceOf(TemporaryFault)
    await expect(client.header(3n)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('waits for no node that answers nothing once enough have', async () => {
    const hanging: L1Lie = () => new Promise(() => undefined)
    const { client, hashAt } = setUp(() => ({ rpc1: hanging }), { quorum: 2 })
    expect((await client.header(10n))?.hash).toBe(hashAt(10n))
  })

  it('halts for a wrong chain only when as many nodes serve one as it takes', async () => {
    const wrong: L1Lie = ({ method }, truth) => (method === 'eth_chainId' ? '0x1' : truth)
    const one = setUp(() => ({ rpc1: wrong }), { quorum: 2 })
    await expect(one.client.assertChainId(31_337n)).resolves.toBeUndefined()
    const two = setUp(() => ({ rpc1: wrong, rpc2: wrong }), { quorum: 2 })
    await expect(two.client.assertChainId(31_337n)).rejects.toBeInstanceOf(CriticalFault)
    const silent = setUp(() => ({ rpc1: wrong, rpc2: dead, rpc3: dead }), { quorum: 2 })
    await expect(silent.client.assertChainId(31_337n)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('counts no host twice', () => {
    const urls = ['https://l1.example/v3/one', 'https://l1.example/v3/two', 'https://other.example']
    expect(() => createL1Client({ urls, quorum: 2, kzg: createHashKzg() })).toThrow(
      /two L1 URLs of l1.example/,
    )
    expect(() => createL1Client({ urls, kzg: createHashKzg() })).not.toThrow()
  })
})

describe('a trusted beacon node', () => {
  const beaconUrls = ['http://beacon1']

  it.each([
    ['its chain', 'fulu'],
    ['a chain since Gloas', 'gloas'],
  ] as const)(
    'names the blocks of %s at every depth, while all RPCs but one tell of another L1',
    async (_name, fork) => {
      const l1 = createHashedL1({ ...START, fork })
      const other = createHashedL1(START)
      const headers = Array.from({ length: 200 }, (_, i) => l1.mine([], i % 7 === 0 ? 60n : 12n))
      for (let i = 0; i < 300; i++) other.mine([], i === 0 ? 24n : 12n)
      l1.finalize(120n)
      l1.lie = (question, truth) =>
        ['rpc1', 'rpc2'].includes(question.host) ? other.answer(question) : truth
      const urls = ['http://rpc1', 'http://rpc2', 'http://rpc3']
      const client = createL1Client({
        urls,
        beaconUrls,
        trust: 'beacon',
        http: l1.http,
        kzg: createHashKzg(),
        retryPauseMs: 0,
      })
      // What a block of Gloas surely names is the execution block before.
      const head = fork === 'gloas' ? 199n : 200n
      const lag = 200n - head
      expect((await client.header('latest'))?.number).toBe(head)
      expect((await client.header('finalized'))?.number).toBe(120n - lag)
      expect((await client.header('safe'))?.number).toBe(120n - lag)
      for (const number of [head, head - 1n, 140n, 100n, 64n, 1n]) {
        expect(await client.header(number)).toEqual(headers[Number(number) - 1])
      }
      expect(await client.header(201n)).toBeUndefined()
    },
  )

  it('names no block when all RPCs tell of another L1', async () => {
    const world = setUp((fork) => ({ rpc1: tellsOf(fork), rpc2: tellsOf(fork), rpc3: tellsOf(fork) }), {
      trust: 'beacon',
      beaconUrls,
    })
    await expect(world.client.header('latest')).rejects.toBeInstanceOf(TemporaryFault)
    await expect(world.client.header(20n)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(world.client.header('finalized')).resolves.toMatchObject({ number: 0n })
  })

  it.each([
    ['before the beacon chain', 'fulu', 10n, 12n],
    ['of the newest slot', 'fulu', START.timestamp, 37n],
    ['of the newest slot since Gloas', 'gloas', START.timestamp, 37n],
  ] as const)(
    'is not stopped by an RPC that makes up a block %s',
    async (_name, fork, timestamp, seconds) => {
      const l1 = createHashedL1({ ...START, fork })
      const headers = Array.from({ length: 200 }, () => l1.mine())
      const madeUp = createHashedL1({ ...START, timestamp })
      // At 37 seconds a block, block 64 falls into the slot of the honest block 200, or next to it.
      while (madeUp.head().number < 64n) madeUp.mine([], seconds)
      const gap = (headers[199]?.timestamp ?? 0n) - madeUp.head().timestamp
      if (timestamp === START.timestamp) {
        madeUp.takeBack(1)
        madeUp.mine([], seconds + gap)
      }
      const made = madeUp.head()
      l1.lie = (question, truth) => (question.host === 'rpc1' ? madeUp.answer(question) : truth)
      const urls = ['http://rpc1', 'http://rpc2']
      const client = createL1Client({
        ...{ urls, beaconUrls, trust: 'beacon', http: l1.http, kzg: createHashKzg(), retryPauseMs: 0 },
      })
      expect(made.number).toBe(64n)
      expect(await client.header(64n)).toEqual(headers[63])
    },
  )

  it('asks the next beacon node when one answers before its blocks were executed, or not at all', async () => {
    const optimistic: L1Lie = ({ method }, truth) =>
      method.endsWith('blocks') ? { ...(truth as object), execution_optimistic: true } : truth
    const { client, hashAt } = setUp(() => ({ beacon1: optimistic, beacon2: dead }), {
      trust: 'beacon',
      beaconUrls: ['http://beacon1', 'http://beacon2', 'http://beacon3'],
    })
    expect((await client.header('latest'))?.hash).toBe(hashAt(200n))
    expect((await client.header(5n))?.hash).toBe(hashAt(5n))
  })

  it('asks the next beacon node for a block that one lacks, as one that began at a checkpoint does', async () => {
    const truncated: L1Lie = ({ method, params }, truth) =>
      method.endsWith('blocks') && /^[0-9]{1,3}$/.test(params[0] as string) ? undefined : truth
    const { client, hashAt, asked } = setUp(() => ({ beacon1: truncated }), {
      trust: 'beacon',
      beaconUrls: ['http://beacon1', 'http://beacon2'],
    })
    expect((await client.header(5n))?.hash).toBe(hashAt(5n))
    expect(asked.filter((question) => question.startsWith('rpc2'))).toEqual([])
  })

  it('is asked at most about once for each block that is read in order', async () => {
    const { client, asked } = setUp(() => ({}), { trust: 'beacon', beaconUrls })
    for (let number = 1n; number <= 200n; number++) await client.header(number)
    expect(asked.filter((question) => question.startsWith('beacon')).length).toBeLessThan(200)
  })

  it('halts when it belongs to another chain, and waits when only RPCs do', async () => {
    const wrongSpec: L1Lie = ({ params }, truth) =>
      params[0] === 'spec' ? { data: { SECONDS_PER_SLOT: '12', DEPOSIT_CHAIN_ID: '1' } } : truth
    const beacon = setUp(() => ({ beacon1: wrongSpec }), { trust: 'beacon', beaconUrls })
    const halting = beacon.client.assertChainId(31_337n)
    await expect(halting).rejects.toBeInstanceOf(CriticalFault)
    await expect(halting).rejects.toThrow(/beacon node of chain 1, expected 31337: check the beacon URL/)
    const wrongId: L1Lie = ({ method }, truth) => (method === 'eth_chainId' ? '0x1' : truth)
    const rpcs = setUp(() => ({ rpc1: wrongId, rpc2: wrongId, rpc3: wrongId }), {
      trust: 'beacon',
      beaconUrls,
    })
    await expect(rpcs.client.assertChainId(31_337n)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it('has to be there, and leaves execution nodes no vote', () => {
    const urls = ['http://rpc1', 'http://rpc2']
    expect(() => createL1Client({ urls, trust: 'beacon' })).toThrow(/--l1-beacon/)
    expect(() => createL1Client({ urls, beaconUrls, trust: 'beacon', quorum: 2 })).toThrow(CriticalFault)
  })
})

describe('an RPC', () => {
  const endless = () => {
    const part = new Uint8Array(1_048_576).fill(0x20)
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(part) }))
  }
  const answers: readonly [string, L1Lie][] = [
    ['answers 429', () => new Response('slow down', { status: 429 })],
    ['answers 500 with an error in JSON', () => Response.json({ error: { code: -32603 } }, { status: 500 })],
    ['answers a page', () => new Response('<html>')],
    ['answers half', () => new Response('{"jsonrpc":"2.0","id":1,"result":{')],
    ['answers without end', endless],
    ['answers a list', () => Response.json([])],
    ['answers neither result nor error', () => Response.json({ jsonrpc: '2.0', id: 1 })],
    ['answers an error that is none', () => Response.json({ error: 'no' })],
    ['breaks the connection', () => Promise.reject(new TypeError('fetch failed'))],
    ['has nothing', () => null],
    ['knows no method', () => undefined],
    [
      'nests its answer deeply',
      () => new Response(`{"result":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    ],
  ]

  it.each(answers)('that %s is passed over for the next one, for every question', async (_name, lie) => {
    const { client, l1, hashAt } = setUp(() => ({ rpc1: lie }), { urls: ['http://rpc1', 'http://rpc2'] })
    const header = l1.mine([{ kind: 'batch', data: Uint8Array.of(1) }])
    expect((await client.header('latest'))?.hash).toBe(hashAt(201n))
    expect((await client.header('finalized'))?.number).toBe(0n)
    expect((await client.header(3n))?.hash).toBe(hashAt(3n))
    expect((await client.headerByHash(header.parentHash))?.number).toBe(200n)
    expect(await client.transactions(header)).toHaveLength(1)
    expect(await client.receipts(header)).toHaveLength(1)
    expect(await client.chainId()).toBe(31_337n)
  })

  it.each(answers)('that %s, alone, is waited for', async (name, lie) => {
    const { client, l1 } = setUp(() => ({ rpc1: lie }), { urls: ['http://rpc1'] })
    const header = l1.mine([{ kind: 'batch', data: Uint8Array.of(1) }])
    if (name !== 'has nothing') {
      await expect(client.header('latest')).rejects.toBeInstanceOf(TemporaryFault)
      await expect(client.chainId()).rejects.toBeInstanceOf(TemporaryFault)
    }
    await expect(client.receipts(header)).rejects.toBeInstanceOf(TemporaryFault)
  })
})

describe('an RPC that accepts connections and never answers', () => {
  let silent: Awaited<ReturnType<typeof startSilentServer>>
  beforeEach(async () => {
    silent = await startSilentServer()
  })
  afterEach(() => {
    vi.useRealTimers()
    silent.close()
  })

  it('is left after fifteen seconds for the next one, which then is asked first', async () => {
    const { url, connected, connections } = silent
    const real = createHttp()
    const http: Http = (request, take) => (request.url.startsWith(url) ? real : world.l1.http)(request, take)
    const world = setUp(() => ({}), { urls: [url, 'http://rpc2'], http })
    const { client, asked, hashAt } = world
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const header = client.header('latest')
    await connected
    await vi.advanceTimersByTimeAsync(14_999)
    expect(asked).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect((await header)?.hash).toBe(hashAt(200n))
    expect((await client.header('finalized'))?.number).toBe(0n)
    expect(connections()).toBe(1)
  })
})

describe('receipts that are read one by one', () => {
  const batches = Array.from({ length: 20 }, (_, i) => ({ kind: 'batch', data: Uint8Array.of(i) }) as const)
  /** Nobody has the method that gives all at once. */
  const oneByOne =
    (change: (receipt: object) => object = (same) => same): L1Lie =>
    ({ method }, truth) => {
      if (method === 'eth_getBlockReceipts') return undefined
      return method === 'eth_getTransactionReceipt' && truth !== null ? change(truth as object) : truth
    }
  const wrong = oneByOne((receipt) =>
    'transactionIndex' in receipt && receipt.transactionIndex === '0xb'
      ? { ...receipt, cumulativeGasUsed: '0x1' }
      : receipt,
  )

  it.each([
    ['the first that answers', {}],
    ['two of three', { quorum: 2 }],
    ['a beacon node', { trust: 'beacon', beaconUrls: ['http://beacon1'] }],
  ] as const)(
    'come all from one node, and who has told a wrong one is not asked again, trusting %s',
    async (_name, trust) => {
      const lies = () => ({ rpc1: wrong, rpc2: oneByOne(), rpc3: oneByOne() })
      const { client, l1, asked } = setUp(lies, trust)
      const [first, second] = [l1.mine(batches), l1.mine(batches)]
      const receipts = await client.receipts(first)
      expect(receipts.map(({ cumulativeGasUsed }) => cumulativeGasUsed)).toEqual(
        batches.map((_, i) => BigInt(i + 1) * 21_000n),
      )
      expect(await client.receipts(second)).toHaveLength(20)
      const counts = [1, 2, 3].map((number) => `rpc${number} eth_getTransactionReceipt`)
      expect(counts.map((each) => asked.filter((one) => one === each).length)).toEqual([20, 40, 0])
    },
  )

  it('and stand in another block since L1 moved lead to a reset, and are nobody’s lie', async () => {
    const moved = oneByOne((receipt) => ({ ...receipt, blockHash: `0x${'ab'.repeat(32)}` }))
    const { client, l1, asked } = setUp(() => ({ rpc1: moved, rpc2: moved, rpc3: moved }), {})
    const header = l1.mine(batches)
    await expect(client.receipts(header)).rejects.toBeInstanceOf(TemporaryFault)
    const lost = asked.splice(0)
    expect(lost.filter((question) => question.endsWith('TransactionReceipt'))).toHaveLength(24)
    await client.header('finalized')
    expect(asked).toEqual(['rpc1 eth_getBlockByNumber'])
  })
})

describe('headers by number', () => {
  it('come from one chain between two looks at the head, whatever L1 does between two calls', async () => {
    const { client, l1, hashAt } = setUp(() => ({}), {})
    const head = await client.header('latest')
    const before = hashAt(195n)
    l1.takeBack(10)
    for (let i = 0; i < 12; i++) l1.mine()
    expect((await client.header(195n))?.hash).toBe(before)
    expect((await client.header(200n))?.hash).toBe(head?.hash)
    // Beyond the head it looks again, and from then on sees the new chain only.
    expect((await client.header(201n))?.hash).toBe(hashAt(201n))
    expect((await client.header(195n))?.hash).toBe(hashAt(195n))
  })

  it('are found though L1 took the known head back, and its nodes forgot what stood below', async () => {
    const forgotten = new Set<unknown>()
    const { client, l1, hashAt } = setUp(() => {
      const forgetful: L1Lie = ({ params }, truth) => (forgotten.has(params[0]) ? null : truth)
      return { rpc1: forgetful, rpc2: forgetful, rpc3: forgetful }
    }, {})
    await client.header('latest')
    for (let number = 180n; number <= 200n; number++) forgotten.add(hashAt(number))
    l1.takeBack(21)
    for (let i = 0; i < 30; i++) l1.mine()
    expect((await client.header(190n))?.hash).toBe(hashAt(190n))
    forgotten.add(hashAt(180n))
    await expect(client.header(175n)).rejects.toBeInstanceOf(TemporaryFault)
  })

  it.each([
    ['block not found', 0],
    ['header not found', 0],
    ['Key not found in database', 1],
  ])('are found though nodes call an error what they forgot: %s', async (message, attempts) => {
    const forgotten = new Set<unknown>()
    const { client, l1, hashAt } = setUp(
      () => ({
        rpc1: ({ params }, truth) =>
          forgotten.has(params[0])
            ? Response.json({ jsonrpc: '2.0', id: 1, error: { code: -32000, message } })
            : truth,
      }),
      { urls: ['http://rpc1'] },
    )
    const header = l1.mine([{ kind: 'batch', data: Uint8Array.of(1) }])
    await client.header('latest')
    for (let number = 180n; number <= 201n; number++) forgotten.add(hashAt(number))
    l1.takeBack(22)
    for (let i = 0; i < 30; i++) l1.mine()
    for (let i = 0; i < attempts; i++) {
      await expect(client.header(190n)).rejects.toBeInstanceOf(TemporaryFault)
    }
    expect((await client.header(190n))?.hash).toBe(hashAt(190n))
    if (attempts === 0) await expect(client.transactions(header)).rejects.toBeInstanceOf(ResetFault)
  })

  it('are read with the hashes of 25,000 transactions, and not with those of 50,000', async () => {
    const full =
      (count: number): L1Lie =>
      (_question, truth) => ({
        ...(truth as object),
        transactions: Array.from({ length: count }, () => `0x${'12'.repeat(32)}`),
      })
    const { client, hashAt } = setUp(() => ({ rpc1: full(25_000) }), { urls: ['http://rpc1'] })
    expect((await client.header(200n))?.hash).toBe(hashAt(200n))
    const longer = setUp(() => ({ rpc1: full(50_000) }), { urls: ['http://rpc1'] })
    await expect(longer.client.header(200n)).rejects.toThrow(/more than 2097152 bytes/)
  })

  it('lead to a block that a lagging node lacks, which is no reorganisation', async () => {
    const late: L1Lie = ({ method }, truth) =>
      method === 'eth_getBlockReceipts' || method === 'eth_getTransactionReceipt' ? null : truth
    const world = setUp(() => ({ rpc1: late, rpc2: late, rpc3: late }), {})
    const header = world.l1.mine([{ kind: 'batch', data: Uint8Array.of(1) }])
    await expect(world.client.receipts(header)).rejects.toBeInstanceOf(TemporaryFault)
    world.l1.takeBack(1)
    world.l1.mine()
    await expect(world.client.receipts(header)).rejects.toBeInstanceOf(ResetFault)
  })
})
