import { createDerivation, type Derivation } from '../../derivation/index.ts'
import {
  type ChainStore,
  createEngine,
  type EngineEvent,
  type L1Client,
  openChainStoreIn,
} from '../../node/index.ts'
import { createSequencerParts, type SequencerParts } from '../../sequencer/index.ts'
import { fakeKzg } from '../FakeKzg.ts'
import type { ChainWatch } from './ChainWatch.ts'
import type { L1Node } from './L1Node.ts'
import { createProcess, type SimulatedProcess } from './SimulatedProcess.ts'
import { KEYS, type World } from './World.ts'

/** A verifier while it runs. */
export type VerifierParts = { store: ChainStore; derivation: Derivation }

/** A sequencer, with its batcher and proposer, while it runs. */
export type RunningSequencer = { store: ChainStore; parts: SequencerParts }

const MS = 1_000

/** Makes a verifier process. */
export function createVerifierProcess(
  world: World,
  name: string,
  watch: ChainWatch,
  connect = ({ client }: L1Node): L1Client => client,
): SimulatedProcess<VerifierParts> {
  const { rollup, verify, scenario } = world
  return createProcess({
    world,
    name,
    kills: scenario.kills.verifier,
    async boot({ database, node, repeat }) {
      const store = await openChainStoreIn(database, name, rollup)
      const logger = world.loggerOf(name)
      const engine = createEngine({ store, rollup, verify, logger })
      engine.subscribe((event: EngineEvent) => watch.hear(name, event))
      watch.opened(name, store)
      const metrics = world.metricsOf()
      const derivation = createDerivation({ l1: connect(node), store, engine, rollup, logger, metrics })
      repeat(async () => ((await derivation.step()) === 'waiting' ? pollMs(world) : 0))
      return { store, derivation }
    },
  })
}

/** Makes a verifier that reads L1 by a real client some of whose nodes lie; none where the scenario has no such L1. */
export function createDeceivedVerifiers(world: World, watch: ChainWatch): SimulatedProcess<VerifierParts>[] {
  const { lyingL1, sabotage } = world
  if (lyingL1 === undefined) return []
  return [createVerifierProcess(world, 'deceived', watch, () => lyingL1.connect(sabotage.quorum ?? 2))]
}

/** Makes the sequencer's process. */
export function createSequencerProcess(world: World, watch: ChainWatch): SimulatedProcess<RunningSequencer> {
  const { rollup, verify, scenario, timeline } = world
  const name = 'sequencer'
  return createProcess({
    world,
    name,
    kills: scenario.kills.sequencer,
    async boot({ database, node, repeat }) {
      const store = await openChainStoreIn(database, name, rollup)
      const { l1Confirmations, promiseBlocks, proposes, batcher: batcherOptions } = scenario.sequencer
      const parts = await createSequencerParts({
        options: {
          rollup,
          promiseKey: KEYS.promise,
          batcherKey: KEYS.batcher,
          proposerKey: KEYS.proposer,
          l1Confirmations,
          pool: { promiseBlocks },
          batcher: batcherOptions,
          proposer: { head: proposes },
          txManager: { resubmitAfterMs: 4 * scenario.slotSeconds * MS },
          logger: world.loggerOf(name),
          version: 'keyroll/simulated',
        },
        store,
        l1: node.client,
        contracts: node.contracts,
        sender: node.sender,
        kzg: fakeKzg,
        verify,
        metrics: world.metricsOf(),
        now: timeline.now,
      })
      const { engine, derivation, permit, builder, batcher, proposer, pool } = parts
      engine.subscribe((event) => watch.hear(name, event))
      watch.opened(name, store)
      const poll = pollMs(world)
      repeat(() => pool.failed)
      repeat(async () => ((await derivation.step()) === 'waiting' ? poll : 0))
      repeat(() => permit.refresh(), 12 * MS)
      repeat(() => builder.step())
      for (const manager of [batcher?.txManager, proposer?.txManager]) {
        if (manager !== undefined) repeat(() => manager.poll(), poll)
      }
      if (batcher !== undefined) {
        repeat(() => batcher.l1Head.refresh(), 12 * MS)
        repeat(() => batcher.batcher.step(), poll)
      }
      if (proposer !== undefined) repeat(() => proposer.proposer.step(), 2 * poll)
      return { store, parts }
    },
  })
}

function pollMs({ scenario }: World): number {
  return (scenario.slotSeconds * MS) / 3
}
