import { createDerivation } from '../../derivation/index.ts'
import { type ChainStore, createEngine, openChainStore } from '../../node/index.ts'
import type { RunningSequencer, VerifierParts } from './nodes.ts'
import type { SimulatedProcess } from './SimulatedProcess.ts'
import type { World } from './World.ts'

/** Derives L1's chain into a new database, without faults. */
export async function deriveAfresh(world: World): Promise<ChainStore> {
  const { rollup, verify, contents: l1 } = world
  // A client that has not looked for long begins with the L1 of then, and takes what it finds later for a reorganisation.
  await l1.header('latest')
  const logger = world.loggerOf('fresh')
  const store = await openChainStore(':memory:', rollup)
  const engine = createEngine({ store, rollup, verify, logger })
  const derivation = createDerivation({ l1, store, engine, rollup, logger, metrics: world.metricsOf() })
  // The second time L1's heads are known, so that finality is too.
  for (let i = 0; i < 2; i++) while ((await derivation.step()) === 'progress');
  return store
}

/** Compares, once L1 stands still and everybody has read it, every chain with the fresh one, byte for byte. */
export async function compareChains({
  world,
  processes,
  fresh,
}: {
  world: World
  processes: readonly SimulatedProcess<VerifierParts | RunningSequencer>[]
  fresh: ChainStore
}): Promise<void> {
  const { timeline, l1, scenario } = world
  const head = l1.view().at(-1)
  const hasReadAll = () =>
    processes.every(({ running }) => statusOf(running()?.parts)?.derivedL1?.hash === head?.hash)
  await timeline.run(timeline.now() + 20 * scenario.slotSeconds * 1_000, hasReadAll)
  const expected = describeChain(fresh)
  for (const { name, running } of processes) {
    const parts = running()?.parts
    if (statusOf(parts)?.derivedL1?.hash !== head?.hash) world.fail('everybody reads L1 to its end', name)
    if (parts === undefined) continue
    const found = describeChain(parts.store)
    const at = expected.findIndex((line, i) => line !== found[i])
    if (at >= 0 || found.length !== expected.length) {
      const i = at < 0 ? expected.length : at
      world.fail('every chain equals a fresh derivation', `${name}: ${found[i]} instead of ${expected[i]}`)
    }
  }
}

/** Waits, once faults are over, until whoever follows the sequencer has its newest block; one that may never sign has no followers. */
export async function compareHeads({
  world,
  sequencer,
  followers,
}: {
  world: World
  sequencer: SimulatedProcess<RunningSequencer>
  followers: readonly SimulatedProcess<VerifierParts>[]
}): Promise<void> {
  const { timeline, scenario } = world
  const headOf = ({ running }: SimulatedProcess<VerifierParts | RunningSequencer>) =>
    running()?.parts.store.heads().unsafe.hash
  const mayNeverSign = () => {
    const reason = sequencer.running()?.parts.parts.permit.whyNot()?.reason
    return reason !== undefined && reason !== 'SEQUENCER_NOT_READY'
  }
  const areSame = () => {
    const newest = headOf(sequencer)
    return mayNeverSign() || (newest !== undefined && followers.every((each) => headOf(each) === newest))
  }
  if (await timeline.run(timeline.now() + 20 * scenario.slotSeconds * 1_000, areSame)) return
  const heads = [sequencer, ...followers].map(({ running }) => running()?.parts.store.heads().unsafe.number)
  world.fail("followers have the sequencer's newest block", heads.join(' '))
}

function statusOf(parts: VerifierParts | RunningSequencer | undefined) {
  if (parts === undefined) return undefined
  return 'derivation' in parts ? parts.derivation.status() : parts.parts.derivation.status()
}

/** Writes down everything that two nodes with the same L1 must agree on. */
function describeChain(store: ChainStore): string[] {
  const { safe } = store.heads()
  const lines = [`safe ${safe.number} ${safe.hash}`]
  for (let number = 0n; number <= safe.number; number++) {
    const block = store.blockByNumber(number)
    lines.push(
      `block ${number} ${block?.hash}`,
      `  inclusion ${text(store.inclusionOf(number))}`,
      `  transactions ${block?.transactions.map((raw) => Buffer.from(raw).toString('hex'))}`,
      `  receipts ${text(block && store.receiptsOf(block.hash))}`,
      `  verdicts ${text(block && store.verdictsOf(block.hash))}`,
    )
  }
  for (let index = 0n; index < store.outputCount(); index++) {
    lines.push(`output ${index} ${text(store.outputByIndex(index))}`)
  }
  return lines
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, each) => (typeof each === 'bigint' ? `${each}` : each))
}
