import { readKeystore } from '../../protocol/index.ts'
import type { RunningSequencer, VerifierParts } from './nodes.ts'
import type { Owners } from './Owners.ts'
import type { SimulatedProcess } from './SimulatedProcess.ts'
import type { KeptPromise, World } from './World.ts'

/** L1 slots after the faults in which everything must be in order again, beside two sequencing windows and finality. */
const PATIENCE_SLOTS = 40

/**
 * Waits, now that faults are over, until all that was promised and can take effect is in a block, that block is safe everywhere, and
 * outputs are posted up to where they may be.
 */
export async function checkLiveness({
  world,
  sequencer,
  verifiers,
  owners,
}: {
  world: World
  sequencer: SimulatedProcess<RunningSequencer>
  verifiers: readonly SimulatedProcess<VerifierParts>[]
  owners: Pick<Owners, 'promises'>
}): Promise<void> {
  const { timeline, scenario, rollup, l1 } = world
  const slotMs = scenario.slotSeconds * 1_000
  const slots = 2 * Number(scenario.seqWindowSize) + scenario.l1.finality + PATIENCE_SLOTS
  const deadline = timeline.now() + slots * slotMs
  const heads = () => [sequencer, ...verifiers].map(({ running }) => running()?.parts.store.heads())

  // Nobody sends anything new, but what was on its way to L1 arrives.
  await timeline.run(timeline.now() + 3 * slotMs)
  const stuck = () => {
    const running = sequencer.running()?.parts
    return running === undefined ? undefined : stuckIn(running, owners.promises())
  }
  const isSettled = () => {
    const running = sequencer.running()?.parts
    return running !== undefined && isSafeAll(running, owners.promises())
  }
  // What is in a block of the sequencer's may be put out of it by L1 before it is safe, and then be in another that is not.
  do {
    if (!(await timeline.run(deadline, () => stuck()?.length === 0))) {
      const hashes = stuck()?.map(({ signed }) => signed.promise.txHash.slice(0, 10))
      return world.fail(
        'what is promised gets into a block',
        `stuck: ${hashes ?? 'the sequencer does not run'}`,
      )
    }
    const goal = heads()[0]?.unsafe.number ?? 0n
    const isSafe = () => heads().every((each) => each !== undefined && each.safe.number >= goal)
    if (!(await timeline.run(deadline, isSafe))) {
      const where = heads().map((each) => `${each?.safe.number}/${each?.unsafe.number}`)
      return world.fail('nothing wedges', `block ${goal} is not safe everywhere: ${where.join(' ')}`)
    }
  } while (stuck()?.length !== 0 || !isSettled())
  const mayPropose = heads()[0]?.[scenario.sequencer.proposes].number ?? 0n
  const lastOutput = () => {
    const head = l1.view().at(-1)
    return (head && l1.stateOf(head).outputs.at(-1)) ?? 0n
  }
  const isProposed = () => lastOutput() + rollup.submissionInterval > mayPropose
  if (!(await timeline.run(deadline, isProposed))) {
    world.fail(
      'outputs are posted',
      `the last is of block ${lastOutput()}, and ${mayPropose} may be proposed`,
    )
  }
}

/** Whether nothing that was promised stands in a block which is not safe yet. */
function isSafeAll({ store, parts }: RunningSequencer, promises: readonly KeptPromise[]): boolean {
  const { safe } = store.heads()
  return promises.every(({ signed }) => {
    const stage = parts.pool.status(signed.promise.txHash)?.stage
    return stage?.name !== 'included' || stage.blockNumber <= safe.number
  })
}

/** What waits although nothing keeps it from a block, or it is not due yet. */
function stuckIn({ store, parts }: RunningSequencer, promises: readonly KeptPromise[]): KeptPromise[] {
  const head = store.blockByHash(store.heads().unsafe.hash)
  if (head === undefined) return []
  return promises.filter(({ signed: { promise } }) => {
    if (parts.pool.status(promise.txHash)?.stage.name !== 'queued') return false
    const { configHash, written, recovery } = readKeystore(store, head.header.withdrawalsRoot, promise.id)
    const nonce = written ? (store.config(configHash)?.nonce ?? 0n) : 0n
    const isGrounded =
      promise.nonce <= nonce + 1n && (promise.kind !== 2 || recovery?.configHash === promise.configHash)
    // What the others stand on was taken back by L1 and may come again; that it did not is told when their block is past.
    return isGrounded || head.header.number <= promise.byBlock
  })
}
