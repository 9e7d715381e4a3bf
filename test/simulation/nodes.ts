import type { SequencerLink } from '../../derivation/follow/SequencerLink.ts'
import { createUnsafeFollower } from '../../derivation/follow/UnsafeFollower.ts'
import { createUnsafeFollowerMetrics } from '../../derivation/follow/unsafeFollowerMetrics.ts'
import {
  createDecoder,
  createDerivation,
  type Derivation,
  type DriverOptions,
} from '../../derivation/index.ts'
import {
  type ChainStore,
  createEngine,
  type EngineEvent,
  type L1Client,
  openChainStoreIn,
  TemporaryFault,
} from '../../node/index.ts'
import { createSequencerParts, type SequencerParts } from '../../sequencer/index.ts'
import { fakeKzg } from '../FakeKzg.ts'
import type { ChainWatch } from './ChainWatch.ts'
import type { Host } from './Host.ts'
import type { L1Node } from './L1Node.ts'
import { createProcess, type SimulatedProcess } from './SimulatedProcess.ts'
import { isCalm, KEYS, type World } from './World.ts'

/** A verifier while it runs. */
export type VerifierParts = { store: ChainStore; derivation: Derivation }

/** A sequencer, with its batcher and proposer, while it runs. */
export type RunningSequencer = { store: ChainStore; parts: SequencerParts }

const MS = 1_000

/** Who asks over a connection on which nothing is told later. */
const NOBODY = { notify: () => undefined, onClose: () => undefined }

/** Makes a verifier process; with a `sequencer` it follows that one's unsafe blocks. */
export function createVerifierProcess(
  world: World,
  name: string,
  watch: ChainWatch,
  {
    connect = ({ client }) => client,
    sequencer,
  }: { connect?: (node: L1Node) => L1Client; sequencer?: SimulatedProcess<RunningSequencer> } = {},
): SimulatedProcess<VerifierParts> {
  const { rollup, verify, scenario, timeline } = world
  return createProcess({
    world,
    name,
    kills: scenario.kills.verifier,
    async boot({ host, database, node, repeat }) {
      const store = await openChainStoreIn(database, name, rollup)
      const logger = world.loggerOf(name)
      const foresight = foresightOf(world)
      const engine = createEngine({ store, rollup, verify, parse: foresight?.decoder.setConfig, logger })
      engine.subscribe((event: EngineEvent) => watch.hear(name, event))
      watch.opened(name, store)
      const metrics = world.metricsOf()
      const l1 = connect(node)
      const derivation = createDerivation({ l1, store, engine, rollup, logger, metrics, foresight })
      repeat(async () => ((await derivation.step()) === 'waiting' ? pollMs(world) : 0))
      if (sequencer !== undefined) {
        const follower = createUnsafeFollower({
          ...{ l1, derivation, store, engine, rollup, verify, logger },
          link: createLink(world, sequencer, host),
          readSigner: () => node.contracts.promiseSigner(0n),
          metrics: createUnsafeFollowerMetrics(metrics.registry),
          now: timeline.now,
        })
        repeat(async () => ((await follower.step()) === 'followed' ? 0 : 1_000))
      }
      return { store, derivation }
    },
  })
}

/** What a process that looks ahead is given for it; the answers are a pure function's, whoever asks for them first. */
function foresightOf({ scenario, verify }: World): DriverOptions['foresight'] {
  return scenario.looksAhead ? { decoder: createDecoder(), expect: verify } : undefined
}

/** Makes the way from a process to the sequencer, on which somebody may repeat what the sequencer said some time ago. */
function createLink(world: World, sequencer: SimulatedProcess<RunningSequencer>, host: Host): SequencerLink {
  const { scenario, sabotage } = world
  const random = world.random(`link of ${host.name}`)
  const heard = new Map<bigint, unknown>()
  return {
    pollIntervalMs: 1_000,
    async blockAt(number) {
      await host.pause(random.integer(1, 200))
      const known = heard.get(number)
      if (known !== undefined && !isCalm(world) && random.chance(scenario.repeats)) return known
      const { running } = sequencer
      const methods = running()?.parts.parts.methods
      const answer = await running()?.host.ask(async () =>
        methods?.keyroll_getSignedBlock?.([`0x${number.toString(16)}`], NOBODY),
      )
      if (answer === undefined) throw new TemporaryFault('the sequencer does not answer')
      if (answer !== null) heard.set(number, answer)
      return sabotage.passOn === undefined ? answer : sabotage.passOn(answer)
    },
    run: async () => undefined,
  }
}

/** Makes a verifier that reads L1 by a real client some of whose nodes lie; none where the scenario has no such L1. */
export function createDeceivedVerifiers(world: World, watch: ChainWatch): SimulatedProcess<VerifierParts>[] {
  const { lyingL1, sabotage } = world
  if (lyingL1 === undefined) return []
  return [
    createVerifierProcess(world, 'deceived', watch, { connect: () => lyingL1.connect(sabotage.quorum ?? 2) }),
  ]
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
        foresight: foresightOf(world),
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
