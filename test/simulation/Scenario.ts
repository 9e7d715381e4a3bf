import type { BatcherOptions } from '../../sequencer/index.ts'
import { createRandom, type Random } from './Random.ts'

/** What one simulated run is like; everything follows from the seed. */
export type Scenario = {
  seed: number
  /** Seconds. */
  slotSeconds: number
  /** L1 slots in which things go wrong; calm follows. */
  slots: number
  /** Seconds. */
  blockTime: bigint
  seqWindowSize: bigint
  /** Seconds. */
  maxSequencerDrift: bigint
  submissionInterval: bigint
  minRecoveryDelay: number
  l1: {
    missesSlot: number
    /** Chance in a slot that L1 pauses, and for how many slots. */
    stalls: number
    stallSlots: number
    reorgs: number
    /** Most blocks taken back at once. */
    reorgDepth: number
    /** Chance that a transaction of a block taken back returns to the pool. */
    returns: number
    /** L1 blocks between head and finality. */
    finality: number
    /** Chance that a transaction has to wait for the next block. */
    delays: number
    losesTransaction: number
    feeSpikes: number
  }
  node: { fails: number; lags: number; losesAnswer: number; forgets: number; slowness: number; lag: number }
  /** Chances of one write. */
  disk: { dies: number; fails: number }
  /** Chances of one second. */
  kills: { sequencer: number; verifier: number }
  /** Milliseconds. */
  downtime: number
  verifiers: number
  /** Whether verifiers take the sequencer's unsafe blocks, and the chance that one is told again what was said before. */
  follows: boolean
  repeats: number
  /** Whether processes read L1 ahead of what they derive. */
  looksAhead: boolean
  /** Whether there is another verifier, by a real L1 client some of whose nodes lie; that costs time. */
  isLiedTo: boolean
  users: {
    keystores: number
    /** Milliseconds between two deeds of a keystore's owner. */
    pause: number
    conflicts: number
    forces: number
    recovers: number
  }
  /** Chances in an L1 block. */
  garbage: { inbox: number; impostors: number; deposits: number; wrongOutputs: number; rogueBatches: number }
  sequencer: {
    l1Confirmations: bigint
    batcher: Pick<
      BatcherOptions,
      'maxChannelDuration' | 'maxDataBytes' | 'maxBlobs' | 'dataAvailability' | 'switchPatience'
    >
    promiseBlocks: bigint
    proposes: 'safe' | 'finalized'
    /** Chance of one minute that the operator stops building for a while. */
    stops: number
  }
}

/** Draws the scenario of a seed: some faults are absent, so that without an excuse nothing may go wrong. */
export function drawScenario(seed: number): Scenario {
  const random = createRandom(seed, 'scenario')
  const sometimes = (chance: number, most: number) => (random.chance(chance) ? random.next() * most : 0)
  const slotSeconds = random.pick([4, 6, 12])
  // An L2 block brings at most one L1 block as its origin: slower ones would fall behind L1 for ever.
  const blockTime = BigInt(Math.min(random.pick([2, 2, 3, 4, 6]), slotSeconds))
  const seqWindowSize = BigInt(random.pick([6, 10, 10, 20, 40]))
  const hasReorgs = random.chance(0.6)
  const finality = random.pick([2, 4, 8, 20, 66])
  const parts = createRandom(seed, 'parts')
  return withDeepReorgs({
    seed,
    slotSeconds,
    slots: random.pick([10, 15, 15, 30, 30, 60]),
    blockTime,
    seqWindowSize,
    maxSequencerDrift: BigInt(slotSeconds * random.integer(2, 20)),
    // One output at a time takes some L1 blocks.
    submissionInterval: BigInt(Math.ceil((slotSeconds / Number(blockTime)) * random.integer(3, 6))),
    minRecoveryDelay: random.integer(5, 40),
    l1: {
      missesSlot: sometimes(0.5, 0.3),
      stalls: sometimes(0.3, 0.03),
      stallSlots: random.integer(2, 12),
      reorgs: hasReorgs ? random.next() * 0.15 : 0,
      reorgDepth: random.chance(0.2) ? random.integer(1, MOST_REORGED) : random.integer(1, 6),
      returns: random.next(),
      finality,
      delays: sometimes(0.4, 0.6),
      losesTransaction: sometimes(0.4, 0.2),
      feeSpikes: sometimes(0.3, 0.1),
    },
    node: {
      fails: sometimes(0.5, 0.15),
      lags: sometimes(0.5, 0.2),
      losesAnswer: sometimes(0.4, 0.05),
      forgets: sometimes(0.4, 0.5),
      slowness: random.integer(50, 4_000),
      // A node that does not know yet what became final lags by more than any node in service.
      lag: Math.min(random.integer(1, 4), finality / 2) * slotSeconds * 1_000,
    },
    disk: { dies: sometimes(0.5, 0.01), fails: sometimes(0.2, 0.003) },
    kills: { sequencer: sometimes(0.4, 0.02), verifier: sometimes(0.4, 0.02) },
    downtime: random.integer(1, 20) * slotSeconds * 500,
    verifiers: random.integer(1, 2),
    follows: parts.chance(0.5),
    repeats: parts.chance(0.5) ? parts.next() * 0.1 : 0,
    looksAhead: parts.chance(0.5),
    isLiedTo: createRandom(seed, 'lies').chance(0.25),
    users: {
      keystores: random.integer(2, 6),
      pause: random.integer(1, 5) * slotSeconds * 500,
      conflicts: sometimes(0.5, 0.3),
      forces: sometimes(0.5, 0.3),
      recovers: sometimes(0.5, 0.4),
    },
    garbage: {
      inbox: sometimes(0.5, 0.5),
      impostors: sometimes(0.3, 0.3),
      deposits: sometimes(0.3, 0.3),
      wrongOutputs: sometimes(0.2, 0.1),
      rogueBatches: sometimes(0.15, 0.2),
    },
    sequencer: {
      l1Confirmations: BigInt(random.pick([0, 0, 1, 4])),
      batcher: {
        maxChannelDuration: BigInt(random.pick([0, 0, 1, 3])),
        maxDataBytes: random.pick([120_000, 4_000]),
        ...drawDataAvailability(createRandom(seed, 'blobs')),
      },
      promiseBlocks: BigInt(random.integer(5, 15)),
      proposes: random.pick(['safe', 'finalized']),
      stops: sometimes(0.2, 0.3),
    },
  })
}

/** L1 blocks: two epochs, after which a healthy L1 finalizes. */
const MOST_REORGED = 64

/** L1 slots in which it gets older than that, and has time for reorganisations. */
const DEEP_SLOTS = 110

/** Makes a few scenarios ones in which L1 may take back that many blocks: it has to have them first, and not as final ones. */
function withDeepReorgs(scenario: Scenario): Scenario {
  const random = createRandom(scenario.seed, 'depth')
  if (!random.chance(0.05)) return scenario
  const l1 = { ...scenario.l1, finality: MOST_REORGED + 2, reorgs: 0.05, reorgDepth: MOST_REORGED, stalls: 0 }
  return { ...scenario, slots: DEEP_SLOTS, l1 }
}

/** Where batches go; quick to change over, for there are few L1 blocks in a run. */
function drawDataAvailability(random: Random) {
  return {
    dataAvailability: random.pick(['auto', 'auto', 'auto', 'calldata', 'blobs'] as const),
    maxBlobs: random.integer(1, 6),
    switchPatience: BigInt(random.integer(0, 4)),
  }
}
