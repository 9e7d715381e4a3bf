import type { Hex } from 'viem'
import type { BlockRef, ChainStore, EngineEvent, ExecutedBlock } from '../../node/index.ts'
import { type KeystoreChange, keystoreChanges } from './keystoreChanges.ts'
import type { World } from './World.ts'

/** A change of a keystore that stood in the sequencer's chain until L1 took it back. */
export type LostChange = KeystoreChange & { lostAt: number }

/** Follows the chains of all processes, over their deaths, and sees to it that what may never happen never does. */
export interface ChainWatch {
  /** Looks at a store that was opened again. */
  opened(process: string, store: ChainStore): void
  hear(process: string, event: EngineEvent): void
  /** Lists what the sequencer's chain has lost. */
  lost(): readonly LostChange[]
  /** Tells when the sequencer chose what is in a block; undefined when it took the block from L1. Milliseconds. */
  builtAt(hash: Hex): number | undefined
  /** Counts the unsafe blocks that processes took from the sequencer. */
  followed(): number
}

/** The blocks that a process is known to have, by number. */
type KnownChain = Map<bigint, { hash: Hex; changes: readonly KeystoreChange[] }>

/** Makes a watch. */
export function createChainWatch(world: World): ChainWatch {
  const finalized = new Map<string, bigint>()
  const chains = new Map<string, KnownChain>()
  const stores = new Map<string, ChainStore>()
  const built = new Map<Hex, number>()
  const lost: LostChange[] = []
  let followed = 0

  function chainOf(process: string): KnownChain {
    const known = chains.get(process) ?? new Map()
    chains.set(process, known)
    return known
  }

  function add(process: string, { number, hash }: BlockRef, block: ExecutedBlock): void {
    const safe = stores.get(process)?.heads().safe.number ?? 0n
    // What comes from L1 is safe at once.
    if (number > safe) {
      if (process === 'sequencer') built.set(hash, world.timeline.now())
      else followed++
    }
    chainOf(process).set(number, { hash, changes: keystoreChanges(block) })
  }

  function forgetAbove(process: string, number: bigint): void {
    const chain = chainOf(process)
    for (const [at, { changes }] of chain) {
      if (at <= number) continue
      chain.delete(at)
      if (process === 'sequencer') {
        lost.push(...changes.map((change) => ({ ...change, lostAt: world.timeline.now() })))
      }
    }
  }

  function checkFinalized(process: string, { number }: BlockRef): void {
    const before = finalized.get(process) ?? 0n
    if (number < before) world.fail('finalized never moves back', `${process}: from ${before} to ${number}`)
    finalized.set(process, number)
  }

  function checkHeads(process: string, store: ChainStore): void {
    const { unsafe, safe, finalized: final } = store.heads()
    if (final.number > safe.number || safe.number > unsafe.number) {
      world.fail('heads are in order', `${process}: ${final.number}, ${safe.number}, ${unsafe.number}`)
    }
    checkFinalized(process, final)
  }

  return {
    opened(process, store) {
      stores.set(process, store)
      checkHeads(process, store)
      const chain = chainOf(process)
      const { unsafe, safe } = store.heads()
      let common = [...chain.keys()].reduce((top, number) => (number > top ? number : top), 0n)
      while (common > 0n && store.blockByNumber(common)?.hash !== chain.get(common)?.hash) common--
      forgetAbove(process, common)
      for (let number = common + 1n; number <= unsafe.number; number++) {
        const block = store.blockByNumber(number)
        const receipts = block && store.receiptsOf(block.hash)
        if (block === undefined || receipts === undefined) {
          world.fail('a reopened database is whole', `${process} lacks block ${number}`)
          continue
        }
        chain.set(number, { hash: block.hash, changes: keystoreChanges({ block, receipts }) })
        if (process === 'sequencer' && number > safe.number) built.set(block.hash, world.timeline.now())
      }
    },
    hear(process, event) {
      if (event.type === 'unsafe') add(process, event.ref, event)
      else if (event.type === 'rewound') {
        const { unsafe, safe, dropped } = event
        world.trace(process, `rewound to ${unsafe.number}, safe ${safe.number}, ${dropped.length} dropped`)
        forgetAbove(process, unsafe.number)
      } else if (event.type === 'finalized') checkFinalized(process, event.ref)
      else {
        const { number, hash } = event.inclusion.l1Block
        if (world.l1.known(hash)?.number !== number) {
          world.fail('a safe block comes from L1', `${process}: ${event.ref.number} from ${number} ${hash}`)
        }
      }
    },
    lost: () => lost,
    builtAt: (hash) => built.get(hash),
    followed: () => followed,
  }
}
