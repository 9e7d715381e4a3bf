import type { ChainStore } from '../../node/index.ts'
import { FAKE_L1_ADDRESSES } from '../FakeL1.ts'
import { hasBlobs } from '../l1Pool.ts'
import { createChainWatch } from './ChainWatch.ts'
import { compareChains, compareHeads, deriveAfresh } from './checkChains.ts'
import { checkLiveness } from './checkLiveness.ts'
import { checkPromises, type Fates } from './checkPromises.ts'
import { createMiner } from './Miner.ts'
import { createDeceivedVerifiers, createSequencerProcess, createVerifierProcess } from './nodes.ts'
import { createOwners } from './Owners.ts'
import { drawScenario, type Scenario } from './Scenario.ts'
import type { SimulatedL1 } from './SimulatedL1.ts'
import { createStrangers } from './strangers.ts'
import { createWorld, type Failure, type PlayOptions } from './World.ts'

/** What one run came to. */
export type Outcome = {
  seed: number
  failures: readonly Failure[]
  fates: Fates
  /** How many answers of each kind owners got. */
  answers: Readonly<Record<string, number>>
  l1Blocks: number
  /** L1 blocks taken back at once, at most. */
  deepestReorg: number
  l2Blocks: number
  forcedBlocks: number
  /** Unsafe blocks that verifiers took from the sequencer. */
  followedBlocks: number
  outputs: number
  /** Submissions of the batcher that stand on L1. */
  inCalldata: number
  inBlobs: number
  starts: number
  events: number
}

/** Plays the scenario of a seed and checks what must hold in the end. */
export async function simulate(seed: number, options: PlayOptions = {}): Promise<Outcome> {
  return play(drawScenario(seed), options)
}

/** Plays a scenario and checks what must hold in the end. */
export async function play(scenario: Scenario, options: PlayOptions = {}): Promise<Outcome> {
  const world = createWorld(scenario, options)
  const { timeline, l1 } = world
  const watch = createChainWatch(world)
  const sequencer = createSequencerProcess(world, watch)
  const honest = Array.from({ length: scenario.verifiers }, (_, i) =>
    createVerifierProcess(world, `verifier ${i}`, watch, scenario.follows ? { sequencer } : {}),
  )
  const verifiers = [...honest, ...createDeceivedVerifiers(world, watch)]
  const posted = () => miner.seenData
  const raws = () => owners.raws()
  const strangers = createStrangers(world, {
    posted,
    raws,
    store: () => verifiers[0]?.running()?.parts.store,
  })
  const miner = createMiner(world, strangers)
  const owners = createOwners(world, sequencer, miner)

  miner.start()
  sequencer.start()
  for (const verifier of verifiers) verifier.start()
  owners.start()
  await timeline.run(timeline.now() + scenario.slots * scenario.slotSeconds * 1_000)

  world.phase = 'calm'
  world.trace('world', 'is calm from now on')
  await checkLiveness({ world, sequencer, verifiers, owners })

  world.phase = 'still'
  world.trace('world', 'stands still from now on')
  const fresh = await deriveAfresh(world)
  await compareChains({ world, processes: [sequencer, ...verifiers], fresh })
  await compareHeads({ world, sequencer, followers: scenario.follows ? honest : [] })
  // Whoever lists what is on a disk waits for what is being written to it, and that waits for time.
  const isQuiet = () => ![sequencer, ...verifiers].some((each) => each.isWriting())
  await timeline.run(timeline.now() + scenario.slotSeconds * 1_000, isQuiet)
  const pool = sequencer.running()?.parts.parts.pool
  const fates = await checkPromises({ world, store: fresh, owners, watch, pool })
  return {
    seed: scenario.seed,
    failures: world.failures,
    fates,
    answers: owners.answers(),
    l1Blocks: l1.view().length,
    deepestReorg: miner.deepest(),
    l2Blocks: Number(fresh.heads().safe.number),
    forcedBlocks: countForced(fresh),
    followedBlocks: watch.followed(),
    outputs: Number(fresh.outputCount()),
    ...countSubmissions(l1),
    starts: [sequencer, ...verifiers].reduce((sum, { starts }) => sum + starts(), 0),
    events: timeline.events(),
  }
}

function countSubmissions(l1: SimulatedL1): Pick<Outcome, 'inCalldata' | 'inBlobs'> {
  const executed = l1.view().flatMap((header) => l1.stateOf(header).executed)
  const submitted = executed.filter(
    ({ transaction, status }) =>
      transaction.to === FAKE_L1_ADDRESSES.batchInboxAddress && status === 'success',
  )
  const inBlobs = submitted.filter(({ transaction }) => hasBlobs(transaction)).length
  return { inCalldata: submitted.length - inBlobs, inBlobs }
}

function countForced(store: ChainStore): number {
  let count = 0
  for (let number = 1n; number <= store.heads().safe.number; number++) {
    if (store.inclusionOf(number)?.transactionHash === undefined) count++
  }
  return count
}
