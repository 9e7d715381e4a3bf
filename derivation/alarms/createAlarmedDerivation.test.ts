import { createHmac } from 'node:crypto'
import type { Hex } from 'viem'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CriticalFault, createLogger, createMetrics, TemporaryFault } from '../../node/index.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { openTestChain, TEST_ROLLUP, type TestChain, testL1Hash } from '../../test/TestChain.ts'
import type { Derivation } from '../createDerivation.ts'
import type { WrongOutput } from '../OutputChecker.ts'
import {
  type AlarmOptions,
  createAlarmedDerivation,
  DEFAULT_ALARM_OPTIONS,
  WrongOutputError,
} from './createAlarmedDerivation.ts'
import { createAlarmFinder } from './findAlarms.ts'

const SECRET = 'a secret of the receiver'
const hashOf = (byte: string): Hex => `0x${byte.repeat(32)}`
const wrongOutput = (index: bigint, root = hashOf('bb')): WrongOutput => ({
  output: {
    index,
    outputRoot: root,
    l1Timestamp: 1_700_000_000n,
    l2BlockNumber: 10n * index,
    l1Block: { number: 107n, hash: testL1Hash(107n) },
    transactionHash: hashOf('cc'),
  },
  expected: hashOf('ee'),
})

type Posted = { alarm: string; status: string; text: string } & Record<string, unknown>
type Fake = Derivation & { wrong: WrongOutput[]; isSynced: boolean; fail(fault: unknown): void }

function createFakeDerivation(): Fake {
  let failure: unknown
  let fail: (fault: unknown) => void = () => undefined
  const fake: Fake = {
    wrong: [],
    isSynced: true,
    fail: (fault) => fail(fault),
    run: (signal) =>
      new Promise((resolve, reject) => {
        fail = (fault) => {
          failure = fault
          reject(fault)
        }
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
    step: async () => 'waiting',
    status: () => ({
      l1: { current: undefined, head: undefined, safe: undefined, finalized: undefined },
      derivedL1: undefined,
      isSynced: fake.isSynced,
      trouble: undefined,
    }),
    failure: () => failure,
    wrongOutputs: () => fake.wrong,
  }
  return fake
}

describe('createAlarmedDerivation', () => {
  let chain: TestChain
  let posted: Posted[]
  let signatures: string[]
  let statusCodes: number[]
  /** While it waits for this, the receiver answers nothing. */
  let silence: Promise<void>
  let heard: number
  let closers: (() => unknown)[]

  beforeEach(async () => {
    chain = await openTestChain()
    posted = []
    signatures = []
    statusCodes = []
    silence = Promise.resolve()
    heard = 0
    closers = []
  })
  afterEach(async () => {
    for (const close of closers) await close()
  })

  async function start(derivation: Fake, options: Partial<AlarmOptions> = {}) {
    const server = await startHttpServer(async (_, body, headers) => {
      heard++
      await silence
      const status = statusCodes.shift() ?? 200
      if (status === 200) {
        posted.push(JSON.parse(body))
        signatures.push(`${headers['x-keyroll-signature']} ${body}`)
      }
      return new Response('taken', { status, headers: { location: 'http://127.0.0.1:1/' } })
    })
    const metrics = createMetrics()
    const alarmed = createAlarmedDerivation({
      derivation,
      store: chain.store,
      rollup: TEST_ROLLUP,
      logger: createLogger({ level: 'silent' }),
      metrics,
      version: 'keyroll/test',
      options: {
        ...DEFAULT_ALARM_OPTIONS,
        webhook: { url: `${server.url}/hook?token=x`, secret: SECRET },
        ...options,
      },
    })
    const stop = new AbortController()
    const ended = alarmed.run(stop.signal).then(
      () => undefined,
      (error: unknown) => error,
    )
    const close = async () => {
      stop.abort()
      await ended
      await server.close()
    }
    closers.push(close)
    return { ended, close, stop, metrics }
  }

  const told = () => posted.map(({ alarm, status, outputIndex }) => `${alarm} ${outputIndex ?? ''} ${status}`)

  it('posts what a receiver needs to act on a wrong output, signed, once, and its end', async () => {
    const derivation = createFakeDerivation()
    const { metrics } = await start(derivation)
    derivation.wrong = [wrongOutput(3n)]
    await expect.poll(() => posted, { timeout: 10_000 }).toHaveLength(1)
    expect(posted[0]).toEqual({
      alarm: 'WRONG_OUTPUT',
      status: 'raised',
      id: `${TEST_ROLLUP.l2ChainId} WRONG_OUTPUT 3 ${hashOf('bb')}`,
      text: expect.stringContaining('output 3 on L1'),
      rollupChainId: Number(TEST_ROLLUP.l2ChainId),
      outputIndex: 3,
      l2Block: 30,
      posted: hashOf('bb'),
      expected: hashOf('ee'),
      l1Transaction: hashOf('cc'),
      l1Block: 107,
      deadline: 1_700_000_000 + TEST_ROLLUP.challengePeriod,
      nodeVersion: 'keyroll/test',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    })
    const [, time, mac, body] = /^t=(\d+),v1=([0-9a-f]{64}) (.*)$/s.exec(signatures[0] ?? '') ?? []
    expect(createHmac('sha256', SECRET).update(`${time}.${body}`).digest('hex')).toBe(mac)
    expect(await metrics.registry.getSingleMetricAsString('keyroll_alarms')).toContain(
      'keyroll_alarms{kind="WRONG_OUTPUT"} 1',
    )
    derivation.wrong = []
    await expect.poll(told, { timeout: 10_000 }).toEqual(['WRONG_OUTPUT 3 raised', 'WRONG_OUTPUT 3 resolved'])
  })

  it('tries again until the receiver takes it, in order, and follows no redirect', async () => {
    statusCodes = [500, 302]
    const derivation = createFakeDerivation()
    derivation.wrong = [wrongOutput(1n), wrongOutput(2n)]
    await start(derivation)
    await expect.poll(told, { timeout: 20_000 }).toEqual(['WRONG_OUTPUT 1 raised', 'WRONG_OUTPUT 2 raised'])
    expect(statusCodes).toEqual([])
  })

  it('reminds of what still stands', async () => {
    const derivation = createFakeDerivation()
    derivation.wrong = [wrongOutput(1n)]
    await start(derivation, { repeatMs: 100 })
    await expect
      .poll(told, { timeout: 10_000 })
      .toEqual(expect.arrayContaining(['WRONG_OUTPUT 1 raised', 'WRONG_OUTPUT 1 standing']))
  })

  it('says after a restart what still stands and what is over, once L1 has been read to its head', async () => {
    const before = createFakeDerivation()
    before.wrong = [wrongOutput(1n), wrongOutput(2n)]
    const { close } = await start(before)
    await expect.poll(() => posted, { timeout: 10_000 }).toHaveLength(2)
    await close()

    const after = createFakeDerivation()
    after.isSynced = false
    after.wrong = [wrongOutput(1n), wrongOutput(2n), wrongOutput(3n)]
    const { metrics } = await start(after)
    await expect
      .poll(() => metrics.registry.getSingleMetricAsString('keyroll_alarms'))
      .toContain('keyroll_alarms{kind="WRONG_OUTPUT"} 2')
    // Output 2 turns out to be deleted, and output 3 with it.
    after.wrong = [wrongOutput(1n)]
    after.isSynced = true
    await expect.poll(() => posted, { timeout: 10_000 }).toHaveLength(4)
    expect(told().slice(2)).toEqual(['WRONG_OUTPUT 1 standing', 'WRONG_OUTPUT 2 resolved'])
  })

  it('ends when it is to end, after the alarm was taken', async () => {
    statusCodes = [503]
    const derivation = createFakeDerivation()
    derivation.wrong = [wrongOutput(1n)]
    const { ended } = await start(derivation, { onWrongOutput: 'exit' })
    expect(await ended).toBeInstanceOf(WrongOutputError)
    expect(told()).toEqual(['WRONG_OUTPUT 1 raised'])
  })

  it('waits no longer for a receiver that is down when a person ends it', async () => {
    statusCodes = Array(100).fill(503)
    const derivation = createFakeDerivation()
    derivation.wrong = [wrongOutput(1n)]
    const { ended, close } = await start(derivation, { onWrongOutput: 'exit' })
    await expect.poll(() => statusCodes.length, { timeout: 10_000 }).toBeLessThan(99)
    await close()
    expect(await ended).toBeInstanceOf(WrongOutputError)
    expect(statusCodes.length).toBeGreaterThan(90)
    expect(posted).toEqual([])
  })

  it('does not wait for a receiver that hangs when a person ends it', async () => {
    let speak = () => {}
    silence = new Promise((resolve) => {
      speak = resolve
    })
    const derivation = createFakeDerivation()
    derivation.wrong = [wrongOutput(1n)]
    const { ended, stop } = await start(derivation)
    await expect.poll(() => heard, { timeout: 10_000 }).toBe(1)
    stop.abort()
    expect(await ended).toBeUndefined()
    expect(posted).toEqual([])
    speak()
  }, 5_000)

  it('ends when it is to end, though nobody is told', async () => {
    const derivation = createFakeDerivation()
    derivation.wrong = [wrongOutput(1n)]
    const metrics = createMetrics()
    const alarmed = createAlarmedDerivation({
      derivation,
      store: chain.store,
      rollup: TEST_ROLLUP,
      logger: createLogger({ level: 'silent' }),
      metrics,
      version: 'keyroll/test',
      options: { ...DEFAULT_ALARM_OPTIONS, onWrongOutput: 'exit' },
    })
    await expect(alarmed.run(new AbortController().signal)).rejects.toBeInstanceOf(WrongOutputError)
  })

  it('tells that derivation has halted before it passes the fault on', async () => {
    const derivation = createFakeDerivation()
    const { ended } = await start(derivation)
    const fault = new CriticalFault('L1 took it back', { details: { reason: 'FINALIZED_L1_REVERTED' } })
    derivation.fail(fault)
    expect(await ended).toBe(fault)
    expect(posted).toMatchObject([
      { alarm: 'FINALIZED_L1_REVERTED', status: 'raised', message: 'L1 took it back' },
    ])
  })
})

describe('createAlarmFinder', () => {
  const patienceMs = 1_000
  const kinds = (alarms: readonly { kind: string }[]) => alarms.map(({ kind }) => kind)

  async function setUp() {
    const chain = await openTestChain()
    const derivation = createFakeDerivation()
    const finder = createAlarmFinder({ derivation, store: chain.store, rollup: TEST_ROLLUP, patienceMs })
    return { chain, derivation, finder }
  }

  it('finds a safe head that stands still, and forgets it when it moves', async () => {
    const { chain, finder } = await setUp()
    expect(kinds(finder.find(0))).toEqual([])
    expect(kinds(finder.find(999))).toEqual([])
    expect(finder.find(1_000)).toMatchObject([
      { kind: 'SAFE_HEAD_STALLED', details: { l2Block: 0, seconds: 1 } },
    ])
    await chain.build()
    await chain.makeSafe(1n, hashOf('cc'))
    expect(kinds(finder.find(1_001))).toEqual([])
    expect(kinds(finder.find(2_001))).toEqual(['SAFE_HEAD_STALLED'])
  })

  it('finds that no batches come also while the end of the sequencing window forces blocks', async () => {
    const { chain, derivation, finder } = await setUp()
    let l1Number = 100n
    const status = derivation.status
    derivation.status = () => ({
      ...status(),
      derivedL1: { number: l1Number, hash: testL1Hash(l1Number), parentHash: testL1Hash(0n), timestamp: 0n },
    })
    const buildAndMakeSafe = async (transactionHash?: Hex) => {
      const { header } = await chain.build()
      await chain.makeSafe(header.number, transactionHash)
      l1Number++
    }
    await buildAndMakeSafe()
    expect(kinds(finder.find(0))).toEqual([])
    await buildAndMakeSafe()
    expect(kinds(finder.find(999))).toEqual([])
    await buildAndMakeSafe()
    expect(finder.find(1_000)).toMatchObject([{ kind: 'SAFE_HEAD_STALLED', details: { l2Block: 3 } }])
    await buildAndMakeSafe(hashOf('cc'))
    expect(kinds(finder.find(1_001))).toEqual([])
    await buildAndMakeSafe()
    expect(kinds(finder.find(2_000))).toEqual([])
    expect(kinds(finder.find(2_001))).toEqual(['SAFE_HEAD_STALLED'])
  })

  it('has patience with a safe head that stands still as long as L1 is being read', async () => {
    const { derivation, finder } = await setUp()
    derivation.isSynced = false
    let number = 100n
    const status = derivation.status
    derivation.status = () => ({
      ...status(),
      derivedL1: { number, hash: testL1Hash(number), parentHash: testL1Hash(number), timestamp: 0n },
    })
    expect(kinds(finder.find(0))).toEqual([])
    number++
    expect(kinds(finder.find(900))).toEqual([])
    expect(kinds(finder.find(1_800))).toEqual([])
    // Taken back and read again is no progress.
    number -= 5n
    expect(kinds(finder.find(1_900))).toEqual(['SAFE_HEAD_STALLED'])
  })

  it('tells missing blobs from an L1 that does not answer, and one step that fails from many', async () => {
    const { derivation, finder } = await setUp()
    const status = derivation.status
    const failing = (attempts: number, details: Record<string, unknown> = {}) => {
      const trouble = { fault: new TemporaryFault('cannot read', { details }), attempts }
      derivation.status = () => ({ ...status(), isSynced: false, trouble })
    }
    failing(1, { reason: 'BLOBS_MISSING' })
    expect(kinds(finder.find(0))).toEqual([])
    failing(4, { reason: 'BLOBS_MISSING' })
    expect(kinds(finder.find(999))).toEqual([])
    expect(finder.find(1_000)).toMatchObject([{ kind: 'BLOBS_MISSING', details: { seconds: 1 } }])
    failing(5)
    expect(finder.find(5_000)).toMatchObject([{ kind: 'L1_UNAVAILABLE', details: { seconds: 5 } }])
    failing(1)
    expect(kinds(finder.find(6_000))).not.toContain('L1_UNAVAILABLE')
  })

  it('names what halted derivation', async () => {
    const { derivation, finder } = await setUp()
    derivation.failure = () => new CriticalFault('a defect')
    expect(finder.find(0)).toMatchObject([{ kind: 'DERIVATION_HALTED', details: { message: 'a defect' } }])
  })
})
