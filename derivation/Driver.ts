import {
  type BlockId,
  type BlockRef,
  blockToRef,
  type ChainStore,
  CriticalFault,
  type Engine,
  hasAttributes,
  type L1BlockRef,
  type L1Client,
  type L1Header,
  type L1Status,
  type Logger,
  l1HeaderToRef,
  minimum,
  ResetFault,
  TemporaryFault,
} from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import { findLast, findStart } from './findStart.ts'
import type { DerivationMetrics } from './metrics.ts'
import type { OutputChecker } from './OutputChecker.ts'
import { createPipeline, type DerivedBlock, type Foresight, type Pipeline } from './Pipeline.ts'

/** How far derivation has come. */
export type DerivationStatus = {
  /** What L1 said of itself at the last look. */
  l1: L1Status
  /** The newest L1 block all of whose data are in the safe chain. */
  derivedL1: L1BlockRef | undefined
  /** Whether what L1 had at the last look has been derived, but for a few blocks. */
  isSynced: boolean
  /** Why the last step was not done, and how often in a row; undefined after one that was. */
  trouble: { fault: TemporaryFault; attempts: number } | undefined
}

/** Steps the pipeline and gives what it derives to the engine. */
export interface Driver {
  /**
   * Does one piece of work: derives a block, or moves on to the next L1 block. `waiting` means that L1 has no more.
   *
   * @throws {TemporaryFault} when the same step is to be tried again.
   * @throws {CriticalFault} when no step can help.
   */
  step(): Promise<'progress' | 'waiting'>
  status(): DerivationStatus
}

/** What a driver is made of. */
export type DriverOptions = {
  l1: L1Client
  store: ChainStore
  engine: Engine
  rollup: RollupConfig
  checker: OutputChecker
  logger: Logger
  metrics: DerivationMetrics
  /** Without it nothing is read or checked ahead. */
  foresight?: Omit<Foresight, 'store' | 'logger'> | undefined
}

/** While catching up, L1's heads are looked up once in so many L1 blocks. */
const LOOK_EVERY = 64n
/** A node is in sync while it is at most so many L1 blocks behind. */
const SYNCED_WITHIN = 8

/** Makes a driver. Everything it knows follows from the store and L1, so it may stop at any instruction and begin again. */
export function createDriver(options: DriverOptions): Driver {
  const { l1, store, engine, rollup, checker, logger, metrics } = options
  const foresight = options.foresight && { ...options.foresight, store, logger }
  /** Undefined at the start and after a reset: then the next step looks for where to begin. */
  let pipeline: Pipeline | undefined
  /** The block that the next one is derived on; behind the safe head while known blocks are derived once more. */
  let parent: BlockRef
  /** What the pipeline began from counts only on an L1 with this block. */
  let landmark: BlockId
  let derivedL1: L1Header | undefined
  let l1Heads: Omit<L1Status, 'current'> = { head: undefined, safe: undefined, finalized: undefined }
  /** L1 blocks read since L1 had no more. */
  let behind = Number.POSITIVE_INFINITY
  let trouble: DerivationStatus['trouble']

  function note(fault: TemporaryFault): TemporaryFault {
    trouble = { fault, attempts: (trouble?.attempts ?? 0) + 1 }
    const { missing } = fault.details
    metrics.missingBlobs.set(Array.isArray(missing) ? missing.length : 0)
    return fault
  }

  async function start(): Promise<Pipeline> {
    await l1.assertChainId(rollup.l1ChainId)
    const begin = await findStart({ l1, store, rollup })
    const heads = store.heads()
    if (begin.unsafe.hash !== heads.unsafe.hash || begin.safe.hash !== heads.safe.hash) {
      logger.warn(
        { safe: begin.safe.number, unsafe: begin.unsafe.number, was: heads.safe.number },
        'L1 reorganised: taking back what it no longer carries',
      )
      await engine.reset(begin.unsafe.number, begin.safe.number)
    }
    assertAnchored()
    await checker.reset()
    parent = begin.parent
    landmark = begin.landmark
    derivedL1 = undefined
    logger.info({ parent: parent.number, l1Block: begin.firstData }, 'deriving')
    return createPipeline({
      l1,
      rollup,
      start: begin,
      foresight,
      onDrop(reason, transactionHash) {
        metrics.dropped.inc({ reason })
        logger.debug({ reason, transactionHash }, 'dropped')
      },
    })
  }

  async function step(): Promise<'progress' | 'waiting'> {
    pipeline ??= await start()
    // On the way to the landmark there is nothing left to derive: whatever came would be of a fork without it.
    const isAtLandmark = pipeline.origin().number >= landmark.number
    const derived = isAtLandmark ? await pipeline.next(parent) : undefined
    if (derived !== undefined) {
      await take(derived)
      return 'progress'
    }
    await finishL1Block(pipeline.origin())
    await dropUnfounded(pipeline)
    const advanced = await pipeline.advance()
    if (advanced) assertLandmark(pipeline.origin())
    // There may be no other write for long that would hear of one that failed.
    else await store.flush()
    behind = advanced ? behind + 1 : 0
    metrics.l1Block.set(Number(pipeline.origin().number))
    return advanced ? 'progress' : 'waiting'
  }

  /** L1 may move, or another node answer, between finding the start and walking on from it. */
  function assertLandmark({ number, hash }: L1Header): void {
    if (number !== landmark.number || hash === landmark.hash) return
    throw new ResetFault(`L1 reorganised: block ${number} is ${hash} now, and was ${landmark.hash}`)
  }

  /** Drops unsafe blocks whose origin is not on the chain of L1 that was walked: no batch of theirs could ever count. */
  async function dropUnfounded(walked: Pipeline): Promise<void> {
    const { safe, unsafe } = store.heads()
    const originOf = (number: bigint) => {
      const block = store.blockByNumber(number)
      return block && blockToRef(block).l1Origin
    }
    const reached = await findLast(safe.number, unsafe.number, (number) => {
      const origin = originOf(number)
      return origin !== undefined && origin.number <= walked.origin().number
    })
    if (reached === undefined || reached === safe.number) return
    const founded = await findLast(safe.number, reached, (number) => {
      const origin = originOf(number)
      return origin === undefined || walked.headerAt(origin.number)?.hash === origin.hash
    })
    if (founded === undefined || founded === reached) return
    logger.warn({ number: founded + 1n }, 'L1 left the origin of unsafe blocks: taking them back')
    await engine.reset(founded)
  }

  async function take({ attributes, inclusion }: DerivedBlock): Promise<void> {
    const { safe, unsafe } = store.heads()
    if (parent.number < safe.number) {
      const known = store.blockByNumber(parent.number + 1n)
      const carrier = store.inclusionOf(parent.number + 1n)?.l1Block.hash
      if (known !== undefined && hasAttributes(known, attributes) && carrier === inclusion.l1Block.hash) {
        parent = blockToRef(known)
        return
      }
      logger.warn(
        { number: parent.number + 1n },
        'derived another block than before: taking back the safe head',
      )
      await engine.reset(unsafe.number, parent.number)
    }
    const { block, replaced } = await engine.consolidate(parent, attributes, inclusion)
    parent = blockToRef(block)
    if (parent.number === store.base().anchor.number) assertAnchored()
    metrics.blocks.inc({ source: inclusion.transactionHash === undefined ? 'forced' : 'batch' })
    logger.debug(
      { number: parent.number, hash: parent.hash, l1Block: inclusion.l1Block.number, replaced },
      'safe',
    )
  }

  /**
   * L1 vouches for one block above a base that was not derived here: a safe chain with another in its place began wrongly. Asked at
   * every start as well, for the process may have ended after such a block was written.
   */
  function assertAnchored(): void {
    const { number, hash } = store.base().anchor
    if (number > store.heads().safe.number) return
    const derived = store.blockByNumber(number)?.hash
    if (derived === hash) return
    throw new CriticalFault(
      `derived block ${number} ${derived}, expected ${hash}, for which an output on L1 stands: the snapshot that this database began with names a wrong L1 block, or the output is wrong; derive the chain from genesis`,
    )
  }

  /** Runs when an L1 block decides no more blocks. */
  async function finishL1Block(origin: L1Header): Promise<void> {
    if (derivedL1?.hash !== origin.hash) {
      await forgetUnreached(origin.number)
      await checker.follow(origin)
      derivedL1 = origin
    }
    if (behind === 0 || origin.number % LOOK_EVERY === 0n) await finalize()
  }

  /** Takes the safe head back when reading up to an L1 block again has led to fewer blocks than before. */
  async function forgetUnreached(l1Number: bigint): Promise<void> {
    const { safe, unsafe } = store.heads()
    const carrier = parent.number < safe.number ? store.inclusionOf(parent.number + 1n)?.l1Block : undefined
    if (carrier === undefined || carrier.number > l1Number) return
    logger.warn({ number: parent.number + 1n }, 'L1 no longer leads to a safe block: taking it back')
    await engine.reset(unsafe.number, parent.number)
  }

  /** Finalizes what was derived from finalized L1 blocks. */
  async function finalize(): Promise<void> {
    const [head, safe, finalized] = await Promise.all([
      l1.header('latest'),
      l1.header('safe'),
      l1.header('finalized'),
    ])
    l1Heads = {
      head: head && l1HeaderToRef(head),
      safe: safe && l1HeaderToRef(safe),
      finalized: finalized && l1HeaderToRef(finalized),
    }
    if (finalized === undefined || derivedL1 === undefined || !isInOrder(l1Heads)) return
    const ref = store.safeHeadAtL1(minimum(finalized.number, derivedL1.number))
    if (ref.number <= store.heads().finalized.number) return
    const carrier = store.inclusionOf(ref.number)?.l1Block
    if (carrier !== undefined && (await l1.header(carrier.number))?.hash !== carrier.hash) {
      throw new ResetFault(`L1 finalized another block ${carrier.number} than ${carrier.hash}`)
    }
    await engine.finalize(ref)
    logger.info({ number: ref.number, hash: ref.hash }, 'finalized')
  }

  return {
    async step() {
      try {
        const outcome = await step()
        if (trouble !== undefined) metrics.missingBlobs.set(0)
        trouble = undefined
        return outcome
      } catch (fault) {
        if (fault instanceof TemporaryFault) throw note(fault)
        if (!(fault instanceof ResetFault)) throw fault
        metrics.faults.inc({ severity: 'reset' })
        logger.warn({ err: fault }, 'L1 moved: starting again from what still stands')
        pipeline = undefined
        behind = Number.POSITIVE_INFINITY
        // Whatever caused it may not be over: the caller waits before the next step.
        throw note(new TemporaryFault(`reset: ${fault.message}`, { cause: fault }))
      }
    },
    status: () => ({
      l1: { ...l1Heads, current: pipeline && l1HeaderToRef(pipeline.origin()) },
      derivedL1: derivedL1 && l1HeaderToRef(derivedL1),
      isSynced: behind <= SYNCED_WITHIN,
      trouble,
    }),
  }
}

/** What is finalized is safe, and what is safe is no newer than the head: nobody could take back what is finalized by mistake. */
function isInOrder({ head, safe, finalized }: Omit<L1Status, 'current'>): boolean {
  const numbers = [finalized, safe, head].filter((each) => each !== undefined).map(({ number }) => number)
  return numbers.every((number, i) => i === 0 || (numbers[i - 1] as bigint) <= number)
}
