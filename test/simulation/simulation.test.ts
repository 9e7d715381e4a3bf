import { describe, expect, it } from 'vitest'
import type { Write } from '../../node/index.ts'
import { TRANSACTION_DEPOSITED_TOPIC } from '../../protocol/index.ts'
import { drawScenario, type Scenario } from './Scenario.ts'
import { play, simulate } from './simulate.ts'
import type { KeptPromise, Sabotage } from './World.ts'

const SEEDS = Array.from({ length: 24 }, (_, i) => i + 1)

/** What a tester needs to see of everything: restarts, conflicts and forced transactions in a short time. */
const busy: Scenario = {
  ...drawScenario(1),
  slotSeconds: 12,
  slots: 20,
  blockTime: 4n,
  seqWindowSize: 10n,
  maxSequencerDrift: 120n,
  kills: { sequencer: 0.03, verifier: 0 },
  downtime: 2_000,
  isLiedTo: false,
  users: { keystores: 3, pause: 4_000, conflicts: 0.4, forces: 0.2, recovers: 0 },
}

/** The names of the checks that fail over some seeds; stops at the first seed with one, or with the one that is looked for. */
async function findFailures(
  sabotage: Sabotage,
  { sought, change = {} }: { sought?: string; change?: Partial<Scenario> } = {},
): Promise<string[]> {
  const found: string[] = []
  for (let seed = 1; seed <= 12; seed++) {
    const { failures } = await play({ ...busy, ...change, seed }, { sabotage })
    found.push(...failures.map(({ check }) => check))
    if (sought === undefined ? found.length > 0 : found.includes(sought)) break
  }
  return found
}

/** Whether a write is of the promise log, and of which of its parts. */
const isPromise = ({ key, value }: Write) => key[0] === 64 && key[1] === 1 && value !== undefined
const isSafeHead = ({ key }: Write) => key[0] === 8

describe('the simulation', () => {
  it.each(SEEDS)('finds nothing wrong with seed %i', async (seed) => {
    expect((await simulate(seed)).failures).toEqual([])
  })

  it.each([
    { seed: 9, depth: 50 },
    { seed: 425, depth: 64 },
  ])('finds nothing wrong when L1 takes back $depth blocks at once', async ({ seed, depth }) => {
    expect(await simulate(seed)).toMatchObject({ failures: [], deepestReorg: depth })
  })

  it('lets verifiers take the blocks of the sequencer, some of them again after it left them', async () => {
    const change = { follows: true, repeats: 0.1, looksAhead: true }
    const { failures, followedBlocks, l2Blocks } = await play({ ...busy, ...change })
    expect(failures).toEqual([])
    expect(followedBlocks).toBeGreaterThan(l2Blocks / 2)
  })

  it.each([true, false])(
    'does the same whenever it is given the same seed (L1 nodes lie: %s)',
    async (isLiedTo) => {
      const traceOf = async () => {
        const lines: string[] = []
        const onTrace = (line: string) => lines.push(line)
        const scenario = { ...busy, isLiedTo, follows: true, repeats: 0.1, looksAhead: true }
        const outcome = await play(scenario, { onTrace, logLevel: 'debug' })
        return { lines, outcome }
      }
      const [once, again] = [await traceOf(), await traceOf()]
      expect(once.lines.length).toBeGreaterThan(100)
      expect(once.outcome.followedBlocks).toBeGreaterThan(0)
      expect(again).toEqual(once)
    },
  )

  it('notices a node that overlooks deposits', async () => {
    const failures = await findFailures({
      wrapClient: (process, client) => ({
        ...client,
        async receipts(header) {
          const receipts = await client.receipts(header)
          if (process !== 'verifier 0') return receipts
          const isOther = ({ topics }: { topics: readonly string[] }) =>
            topics[0] !== TRANSACTION_DEPOSITED_TOPIC
          return receipts.map((receipt) => ({ ...receipt, logs: receipt.logs.filter(isOther) }))
        },
      }),
    })
    expect(failures).toContain('every chain equals a fresh derivation')
  })

  it('notices a node that believes the one of its L1 nodes that lies', async () => {
    expect(await findFailures({ quorum: 1 }, { change: { isLiedTo: true } })).not.toEqual([])
  })

  it('notices that nothing of the sequencer reaches who follows it', async () => {
    const failures = await findFailures({ passOn: () => null }, { change: { follows: true } })
    expect(failures).toEqual(["followers have the sequencer's newest block"])
  })

  it('notices promises that overtake one another, but for those of which nobody knows when they were made', async () => {
    const reversed = (isNew: boolean) => (promises: readonly KeptPromise[]) => {
      const times = promises.map(({ givenAt }) => givenAt).reverse()
      return promises.map((each, i) => ({ ...each, givenAt: times[i] ?? 0, isNew }))
    }
    const sought = 'what is promised first comes first'
    expect(await findFailures({ remember: reversed(true) }, { sought })).toContain(sought)
    const { failures } = await play(busy, { sabotage: { remember: reversed(false) } })
    expect(failures.map(({ check }) => check)).not.toContain(sought)
  })

  it('notices a promise log that forgets', async () => {
    const sought = 'the sequencer never equivocates'
    const fateOf: Sabotage['fateOf'] = (process, writes) =>
      process === 'sequencer' && writes.some(isPromise) ? 'is lost' : undefined
    expect(await findFailures({ fateOf }, { sought })).toContain(sought)
  })

  it('notices a disk that loses a write', async () => {
    let count = 0
    const failures = await findFailures({
      fateOf: (process, writes) =>
        process === 'verifier 0' && writes.some(isSafeHead) && ++count === 7 ? 'is lost' : undefined,
    })
    expect(failures).not.toEqual([])
  })
})
