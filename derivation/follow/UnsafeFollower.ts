import type { Address, Hex } from 'viem'
import {
  type BlockRef,
  blockToRef,
  type ChainStore,
  createLruCache,
  type Engine,
  type FindSignature,
  hasAttributes,
  type L1Client,
  type Logger,
  NotOnHeadError,
  ResetFault,
  TemporaryFault,
  UnexpectedBlockError,
} from '../../node/index.ts'
import type { Block, RollupConfig, SignatureVerifier } from '../../protocol/index.ts'
import { createAttributesBuilder } from '../AttributesBuilder.ts'
import { createBell } from '../alarms/Bell.ts'
import type { Derivation } from '../createDerivation.ts'
import { batchOf, checkUnsafeBlock, type UnsafeBlockFlaw } from './checkUnsafeBlock.ts'
import type { SequencerLink } from './SequencerLink.ts'
import { readSignedBlock, type SignedBlockFlaw, type VouchedBlock } from './SignedBlockReader.ts'
import type { UnsafeFollowerMetrics } from './unsafeFollowerMetrics.ts'

/** Why a block that a sequencer sent is not taken. */
export type FollowFlaw =
  | SignedBlockFlaw
  | UnsafeBlockFlaw
  | 'WRONG_NUMBER'
  | 'BROKEN_BRANCH'
  | 'CONTRADICTS_SAFE'
  | 'WRONG_ATTRIBUTES'
  | 'WRONG_HASH'

/** What one step came to; `idle` that there is nothing new, `waiting` that L1 has not shown yet what the block needs. */
export type FollowOutcome = 'followed' | 'idle' | 'waiting' | 'refused'

/** Follows the sequencer's unsafe blocks, each of which it checks (protocol.md §9). */
export interface UnsafeFollower {
  /**
   * Tries to take one block.
   *
   * @throws {TemporaryFault} {ResetFault} when the sequencer or L1 does not answer, or L1 moves meanwhile.
   */
  step(): Promise<FollowOutcome>
  /** Follows until the signal aborts; whatever the sequencer sends, it does not end before. */
  run(signal: AbortSignal): Promise<void>
  /** Finds the signatures of blocks that were followed, so that others may follow this node. */
  findSignature: FindSignature
}

/** What a follower is made of. */
export type UnsafeFollowerOptions = {
  link: SequencerLink
  /** Asks L1 for `SystemConfig.promiseSigner()`. */
  readSigner: () => Promise<Address>
  derivation: Pick<Derivation, 'status'>
  store: Pick<ChainStore, 'heads' | 'blockByNumber'>
  engine: Pick<Engine, 'follow'>
  l1: Pick<L1Client, 'header' | 'headerByHash' | 'mayHaveLogs' | 'receipts'>
  rollup: RollupConfig
  verify: SignatureVerifier
  logger: Logger
  metrics: UnsafeFollowerMetrics
  /** Milliseconds since the epoch. */
  now: () => number
}

type Refused = { flaw: FollowFlaw; hash?: Hex | undefined }
type Found = { vouched: VouchedBlock } | Refused | undefined
type Place = { parent: BlockRef; vouched: VouchedBlock } | Refused

/** A rotated signer counts, and an old one no longer does, at most so much later. */
const SIGNER_EVERY_MS = 12_000
/** A block by somebody else may be the first of a new signer, and L1 is asked; but not for every such block. */
const SIGNER_AT_MOST_EVERY_MS = 2_000
/** Blocks that were told before their turn; the rest is asked for by number. */
const MAX_KEPT = 16
const MAX_KEPT_SIGNATURES = 4_096
const FIRST_PAUSE_MS = 1_000
const LAST_PAUSE_MS = 12_000
const LOG_AT_MOST_EVERY_MS = 5_000
const NOT_READY_MS = 250

/** Makes a follower; it does nothing while derivation is not near the head of L1. */
export function createUnsafeFollower(options: UnsafeFollowerOptions): UnsafeFollower {
  const { link, derivation, store, engine, l1, rollup, verify, logger, metrics, now } = options
  const builder = createAttributesBuilder({ l1, rollup })
  const bell = createBell()
  const signatures = createLruCache<Hex, { signature: Hex; signer: Address }>(MAX_KEPT_SIGNATURES)
  /** Vouched blocks above the head, by number. */
  const kept = new Map<bigint, VouchedBlock>()
  let named: Address | undefined
  let namedAt = Number.NEGATIVE_INFINITY
  let loggedAt = Number.NEGATIVE_INFINITY

  async function refreshSigner(maxAgeMs: number): Promise<Address> {
    if (named === undefined || now() - namedAt >= maxAgeMs) {
      const next = await options.readSigner()
      if (named !== next) logger.info({ signer: next }, 'the signer of unsafe blocks')
      // What an old signer vouched for has to be vouched for anew.
      if (named !== next) kept.clear()
      named = next
      namedAt = now()
    }
    return named
  }

  function keep(vouched: VouchedBlock): void {
    const { number } = vouched.block.header
    kept.set(number, vouched)
    if (kept.size <= MAX_KEPT) return
    // The lowest are the next to be needed.
    for (const highest of [...kept.keys()].sort((a, b) => Number(b - a)).slice(0, 1)) kept.delete(highest)
  }

  function hear(json: unknown): void {
    if (named === undefined || !derivation.status().isSynced) return
    const read = readSignedBlock(json, { chainId: rollup.l2ChainId, named, verify })
    if (!read.ok) {
      refuse({ flaw: read.flaw })
      return
    }
    const { header, hash } = read.vouched.block
    const { number } = store.heads().unsafe
    if (header.number <= number || kept.get(header.number)?.block.hash === hash) return
    keep(read.vouched)
    bell.ring()
  }

  /** Gets the block at a number, with the signature checked. */
  async function find(number: bigint): Promise<Found> {
    const told = kept.get(number)
    if (told !== undefined) return { vouched: told }
    const json = await link.blockAt(number)
    if (json === null || json === undefined) return undefined
    const read = (signer: Address) =>
      readSignedBlock(json, { chainId: rollup.l2ChainId, named: signer, verify })
    let answer = read(await refreshSigner(SIGNER_EVERY_MS))
    if (!answer.ok && answer.flaw === 'WRONG_SIGNER')
      answer = read(await refreshSigner(SIGNER_AT_MOST_EVERY_MS))
    if (!answer.ok) return { flaw: answer.flaw }
    const { header, hash } = answer.vouched.block
    return header.number === number ? { vouched: answer.vouched } : { flaw: 'WRONG_NUMBER', hash }
  }

  /** Finds the block of our chain that the sequencer's chain leaves it at, by the blocks below `tip`, which is above our head. */
  async function findPlace(tip: VouchedBlock): Promise<Place> {
    let vouched = tip
    for (;;) {
      const { number, parentHash } = vouched.block.header
      const below = store.blockByNumber(number - 1n)
      const safe = store.heads().safe.number
      if (below?.hash === parentHash && number > safe) return { parent: blockToRef(below), vouched }
      if (number - 1n <= safe) return { flaw: 'CONTRADICTS_SAFE', hash: tip.block.hash }
      const found = await find(number - 1n)
      if (found !== undefined && 'flaw' in found) return found
      if (found?.vouched.block.hash !== parentHash) return { flaw: 'BROKEN_BRANCH', hash: tip.block.hash }
      vouched = found.vouched
    }
  }

  /** Builds a vouched block on its parent when every rule allows it. */
  async function take(parent: BlockRef, { block, signature, signer }: VouchedBlock): Promise<FollowOutcome> {
    const derivedL1 = derivation.status().derivedL1
    const epoch = await l1.headerByHash(parent.l1Origin.hash)
    if (epoch === undefined || derivedL1 === undefined) return 'waiting'
    const [current, next] = await Promise.all([l1.header(epoch.number), l1.header(epoch.number + 1n)])
    // L1 has left what our own head stands on: derivation will say how far to go back.
    if (current?.hash !== epoch.hash) return 'waiting'
    const batch = batchOf(block)
    const checked = checkUnsafeBlock({
      rules: rollup,
      batch,
      parent,
      l1Blocks: next === undefined ? [epoch] : [epoch, next],
      inclusion: derivedL1.number + 1n,
      now: BigInt(Math.floor(now() / 1_000)),
    })
    if (checked.validity === 'undecided') return 'waiting'
    if (checked.validity === 'drop') return refuse({ flaw: checked.reason, hash: block.hash })
    const origin = batch.epochNumber === epoch.number ? epoch : next
    if (origin === undefined) return 'waiting'
    const { timestamp, transactions } = batch
    const attributes = await builder.build({ parent, epoch: origin, timestamp, transactions })
    if (!hasAttributes(block, attributes)) return refuse({ flaw: 'WRONG_ATTRIBUTES', hash: block.hash })
    // Before the engine tells of the block: whoever follows this node wants the signature with it.
    signatures.set(block.hash, { signature, signer })
    try {
      await engine.follow(parent, attributes, block.hash)
    } catch (error) {
      if (error instanceof UnexpectedBlockError) return refuse({ flaw: 'WRONG_HASH', hash: block.hash })
      // Derivation has moved the heads meanwhile: look again at where the block stands.
      if (error instanceof NotOnHeadError) return 'waiting'
      throw error
    }
    metrics.blocks.inc({ outcome: 'FOLLOWED' })
    logger.debug({ number: block.header.number, hash: block.hash }, 'followed')
    return 'followed'
  }

  function refuse({ flaw, hash }: Refused): 'refused' {
    metrics.blocks.inc({ outcome: flaw })
    warn({ reason: flaw, hash }, 'refused an unsafe block of the sequencer')
    return 'refused'
  }

  /** The metric counts all that goes wrong; a flood must not fill the log. */
  function warn(what: object, message: string): void {
    if (now() - loggedAt < LOG_AT_MOST_EVERY_MS) return
    loggedAt = now()
    logger.warn(what, message)
  }

  async function step(): Promise<FollowOutcome> {
    if (!derivation.status().isSynced) return 'idle'
    await refreshSigner(SIGNER_EVERY_MS)
    const head = store.heads().unsafe
    for (const number of kept.keys()) if (number <= head.number) kept.delete(number)
    const found = await find(head.number + 1n)
    if (found === undefined) return 'idle'
    if ('flaw' in found) return refuse(found)
    const { number, parentHash } = found.vouched.block.header
    const place =
      parentHash === head.hash ? { parent: head, vouched: found.vouched } : await findPlace(found.vouched)
    // A block that is refused is forgotten, so that another of its number can come.
    kept.delete(number)
    if ('flaw' in place) return refuse(place)
    const outcome = await take(place.parent, place.vouched)
    if (outcome === 'waiting' && place.vouched === found.vouched) keep(found.vouched)
    return outcome
  }

  return {
    step,
    async run(signal) {
      const linked = link.run(signal, hear)
      const pause = createBell()
      let pauseMs = FIRST_PAUSE_MS
      while (!signal.aborted) {
        if (!derivation.status().isSynced) {
          await pause.wait(NOT_READY_MS, signal)
          continue
        }
        const outcome = await step().catch((error: unknown) => {
          if (signal.aborted) return 'idle' as const
          const isForeseen = error instanceof TemporaryFault || error instanceof ResetFault
          if (isForeseen) warn({ err: error }, 'cannot follow the sequencer yet')
          // Unsafe blocks are a convenience: nothing about them may end the node.
          else logger.error({ err: error }, 'following the sequencer failed')
          metrics.blocks.inc({ outcome: isForeseen ? 'UNAVAILABLE' : 'INTERNAL' })
          return 'refused' as const
        })
        if (outcome === 'followed') pauseMs = FIRST_PAUSE_MS
        else if (outcome === 'idle') await bell.wait(link.pollIntervalMs, signal)
        else if (outcome === 'waiting') await pause.wait(FIRST_PAUSE_MS, signal)
        else {
          await pause.wait(pauseMs, signal)
          pauseMs = Math.min(2 * pauseMs, LAST_PAUSE_MS)
        }
      }
      await linked
    },
    findSignature: ({ hash }: Block) => signatures.get(hash),
  }
}
