import { pino } from 'pino'
import { Registry } from 'prom-client'
import type { Address, Hex } from 'viem'
import { privateKeyToAddress } from 'viem/accounts'
import {
  createMetrics,
  createNativeVerifier,
  type L1Client,
  type Logger,
  type Metrics,
  type Write,
} from '../../node/index.ts'
import type { RollupConfig, SignatureVerifier, SignedPromise } from '../../protocol/index.ts'
import { createCachingVerifier } from '../../sequencer/pool/cachingVerifier.ts'
import { createTestRollup } from '../chainFixtures.ts'
import { createFakeL1, FAKE_L1_ADDRESSES } from '../FakeL1.ts'
import { withGenesis } from '../TestChain.ts'
import type { WriteFate } from './FaultyDatabase.ts'
import { createLyingL1, type LyingL1 } from './LyingL1.ts'
import { type BaseFees, createMempool, type Mempool } from './Mempool.ts'
import { createRandom, type Random } from './Random.ts'
import type { Scenario } from './Scenario.ts'
import { createSimulatedL1, type L1View, type SimulatedL1 } from './SimulatedL1.ts'
import { createTimeline, type Timeline } from './Timeline.ts'

/** The keys of a simulated sequencer. */
export const KEYS = {
  batcher: `0x${'b1'.repeat(32)}`,
  proposer: `0x${'b2'.repeat(32)}`,
  promise: `0x${'b3'.repeat(32)}`,
} as const satisfies Record<string, Hex>

/** Their addresses. */
export const ACCOUNTS = {
  batcher: addressOf(KEYS.batcher),
  proposer: addressOf(KEYS.proposer),
  promise: addressOf(KEYS.promise),
}

/** Something that must not be. */
export type Failure = { check: string; detail: string }

/** A promise that somebody was given, as he keeps it. */
export type KeptPromise = {
  signed: SignedPromise
  /** Milliseconds. */
  givenAt: number
  /** The unsafe head when it was asked for. */
  head: bigint
  /** Whether it was made for who asked then; else it was made before, and the first answer was lost. */
  isNew: boolean
}

/** What a process said in its log, as far as somebody listens. */
export type LogLine = LoggedLine & { process: string; at: number }

type LoggedLine = { level: number; msg: string } & Readonly<Record<string, unknown>>

/** All that the actors of one run share. */
export interface World {
  readonly scenario: Scenario
  readonly rollup: RollupConfig
  readonly timeline: Timeline
  readonly l1: SimulatedL1
  /** Reads what is in L1's blocks, without faults. */
  readonly contents: L1Client
  /** Where L1 is one whose nodes can lie. */
  readonly lyingL1: LyingL1 | undefined
  readonly mempool: Mempool
  readonly verify: SignatureVerifier
  readonly failures: readonly Failure[]
  readonly sabotage: Sabotage
  readonly log: readonly LogLine[]
  baseFees: BaseFees
  /** First a storm, in which everything goes wrong; then calm; in the end L1 stands still. */
  phase: 'storm' | 'calm' | 'still'
  random(name: string): Random
  /** Makes the logger of a process. */
  loggerOf(name: string): Logger
  /** Makes the metrics of a process; only those that others add to the registry are its own. */
  metricsOf(): Metrics
  /** The canonical chain as it was at some time. */
  viewAt(time: number): L1View
  trace(actor: string, text: string): void
  /** Records that a check failed. */
  fail(check: string, detail: string): void
}

/** Tells whether faults are over. */
export function isCalm({ phase }: World): boolean {
  return phase !== 'storm'
}

/** A part that does not do what it should, to show that the simulation notices. */
export type Sabotage = {
  /** Decides about a write in place of the scenario. */
  fateOf?: (process: string, writes: readonly Write[]) => WriteFate | undefined
  /** Stands between a process and its L1 node. */
  wrapClient?: (process: string, client: L1Client) => L1Client
  /** Stands between the sequencer and who follows it: passes on what was answered for a number. */
  passOn?: (answer: unknown) => unknown
  /** What owners believe in the end that they were promised. */
  remember?: (promises: readonly KeptPromise[]) => readonly KeptPromise[]
  /** How many L1 nodes must agree for who is lied to. */
  quorum?: number
}

/** Who wants to know what happens, and who meddles. */
export type PlayOptions = {
  onTrace?: (line: string) => void
  logLevel?: 'debug' | 'info' | 'warn'
  sabotage?: Sabotage
}

/** One failure leads to others. */
const MOST_FAILURES = 5

const GWEI = 1_000_000_000n

/** Milliseconds since the epoch. */
const START = 1_800_000_000_000

// One for all runs of a process: they hold nothing that a run could notice.
const verify = createCachingVerifier(createNativeVerifier())
const sharedMetrics = createMetrics()

/** Makes the world of a scenario: L1 has its first block, and nobody has done anything. */
export function createWorld(
  scenario: Scenario,
  { onTrace, logLevel = 'warn', sabotage = {} }: PlayOptions = {},
): World {
  const timeline = createTimeline(START)
  const chainId = 31_337n
  const genesis = { chainId, number: 100n, timestamp: BigInt(START / 1_000) }
  const fails = () => (isCalm(world) ? 0 : scenario.node.fails)
  const lies = () => createLyingL1({ genesis, timeline, fails, random: createRandom(scenario.seed, 'lies') })
  const lyingL1 = scenario.isLiedTo ? lies() : undefined
  const { chain, truth: contents } = lyingL1 ?? plainL1(genesis)
  const rollup = rollupOf(scenario, chain.head())
  const l1 = createSimulatedL1({
    chain,
    rollup,
    batcher: ACCOUNTS.batcher,
    promiseSigner: ACCOUNTS.promise,
  })
  const random = createRandom(scenario.seed, 'world')
  const failures: Failure[] = []
  const log: LogLine[] = []
  const views: { at: number; view: L1View }[] = []

  function trace(actor: string, text: string): void {
    onTrace?.(`${((timeline.now() - START) / 1_000).toFixed(3).padStart(9)} ${actor.padEnd(10)} ${text}`)
  }

  const world: World = {
    scenario,
    rollup,
    timeline,
    l1,
    contents,
    lyingL1,
    mempool: createMempool(),
    verify,
    failures,
    sabotage,
    log,
    baseFees: { baseFee: GWEI, blobBaseFee: GWEI },
    phase: 'storm',
    random: (name) => random.fork(name),
    loggerOf(name) {
      const write = (line: string) => {
        const parsed = JSON.parse(line) as LoggedLine
        log.push({ ...parsed, process: name, at: timeline.now() })
        trace(name, describe(parsed))
      }
      return pino({ level: logLevel, base: null, timestamp: false }, { write })
    },
    metricsOf: () => ({ ...sharedMetrics, registry: new Registry() }),
    viewAt(time) {
      if (views.at(-1)?.view !== l1.view()) views.push({ at: timeline.now(), view: l1.view() })
      const known = views.findLast(({ at }) => at <= time)
      return known?.view ?? views[0]?.view ?? l1.view()
    },
    trace,
    fail(check, detail) {
      if (failures.length < MOST_FAILURES) failures.push({ check, detail })
      trace('CHECK', `${check}: ${detail}`)
    },
  }
  return world
}

/** An L1 that is quick, since nobody checks what it says. */
function plainL1(genesis: Parameters<typeof createFakeL1>[0]) {
  const chain = createFakeL1(genesis)
  return { chain, truth: chain.client }
}

function rollupOf(
  { blockTime, seqWindowSize, maxSequencerDrift, submissionInterval, minRecoveryDelay }: Scenario,
  { number, hash, timestamp }: { number: bigint; hash: Hex; timestamp: bigint },
): RollupConfig {
  const base = createTestRollup()
  return withGenesis({
    ...base,
    ...FAKE_L1_ADDRESSES,
    genesis: { ...base.genesis, l1: { number, hash }, l2Time: timestamp },
    blockTime,
    seqWindowSize,
    maxSequencerDrift,
    submissionInterval,
    minRecoveryDelay,
  })
}

function describe({ level, msg, err, ...rest }: LoggedLine): string {
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${shorten(value)}`)
  const error = err instanceof Object && 'message' in err ? [`(${String(err.message)})`] : []
  return [level >= 40 ? '!' : '-', msg, ...fields, ...error].join(' ')
}

function shorten(value: unknown): string {
  const text = String(value)
  return /^0x[0-9a-f]{64}$/.test(text) ? text.slice(0, 10) : text
}

function addressOf(key: Hex): Address {
  return privateKeyToAddress(key).toLowerCase() as Address
}
