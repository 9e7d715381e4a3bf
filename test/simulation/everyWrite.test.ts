import { describe, expect, it } from 'vitest'
import type { WriteFate } from './FaultyDatabase.ts'
import { drawScenario, type Scenario } from './Scenario.ts'
import { play } from './simulate.ts'

const drawn = drawScenario(1)

/** Set-configs, deposits, the start of recoveries, batches and outputs, in a short time on an L1 that reorganises and has no other fault. */
const short: Scenario = {
  ...drawn,
  slotSeconds: 12,
  slots: 6,
  blockTime: 6n,
  seqWindowSize: 10n,
  maxSequencerDrift: 120n,
  submissionInterval: 4n,
  l1: {
    missesSlot: 0,
    stalls: 0,
    stallSlots: 0,
    reorgs: 0.2,
    reorgDepth: 3,
    returns: 0.5,
    finality: 2,
    delays: 0,
    losesTransaction: 0,
    feeSpikes: 0,
  },
  node: { fails: 0, lags: 0, losesAnswer: 0, forgets: 0, slowness: 50, lag: 0 },
  disk: { dies: 0, fails: 0 },
  kills: { sequencer: 0, verifier: 0 },
  downtime: 2_000,
  verifiers: 1,
  follows: true,
  repeats: 0,
  looksAhead: true,
  isLiedTo: false,
  users: { keystores: 2, pause: 12_000, conflicts: 0, forces: 0.2, recovers: 0.2 },
  garbage: { inbox: 0, impostors: 0, deposits: 0, wrongOutputs: 0, rogueBatches: 0 },
  sequencer: { ...drawn.sequencer, l1Confirmations: 0n, stops: 0 },
}

/** Plays the scenario with a fate for the write of a process with an index; tells how many there were. */
async function playUntil(process: string, index: number, fate: WriteFate) {
  let writes = 0
  const fateOf = (name: string) => (name === process && writes++ === index ? fate : undefined)
  const outcome = await play(short, { sabotage: { fateOf } })
  return { ...outcome, writes }
}

describe('a process that dies at a write', () => {
  it.each([
    { process: 'sequencer', fate: 'dies before' },
    { process: 'sequencer', fate: 'dies after' },
    { process: 'verifier 0', fate: 'dies before' },
    { process: 'verifier 0', fate: 'dies after' },
  ] as const)(
    'loses nothing, whichever it is ($process, $fate)',
    { timeout: 600_000 },
    async ({ process, fate }) => {
      const undisturbed = await playUntil(process, -1, fate)
      expect(undisturbed).toMatchObject({ failures: [], starts: 2 })
      const { writes, deepestReorg, fates, outputs, inCalldata, inBlobs, followedBlocks } = undisturbed
      for (const count of [deepestReorg, fates.kept ?? 0, outputs, inCalldata + inBlobs, followedBlocks])
        expect(count).toBeGreaterThan(1)
      expect(writes).toBeGreaterThan(40)
      for (let index = 0; index < writes; index++) {
        const { failures, starts } = await playUntil(process, index, fate)
        expect({ index, failures, starts }).toEqual({ index, failures: [], starts: 3 })
      }
    },
  )
})
