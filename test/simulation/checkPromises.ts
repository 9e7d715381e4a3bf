import type { Hex } from 'viem'
import type { ChainStore } from '../../node/index.ts'
import { areEquivocating } from '../../protocol/index.ts'
import type { ChainWatch, LostChange } from './ChainWatch.ts'
import { type KeystoreChange, keystoreChanges } from './keystoreChanges.ts'
import type { KeptPromise } from './Owners.ts'
import type { LogLine, World } from './World.ts'

/**
 * What became of a promise. Only `kept` and `void` are what a promise says (protocol.md §8); each of the others needs the reason
 * it names, and the sequencer must have reported the promise as overdue or displaced.
 */
export type Fate =
  | 'kept'
  /** A successful deposit at or before `byBlock` took the nonce. */
  | 'void'
  /** In a block after `byBlock`, because L1 decided about blocks in between: a closed window, drift, or somebody else's batch. */
  | 'late'
  /** It builds on a config that a deposit replaced, or that came from a deposit which L1 took back. */
  | 'groundless'
  /** The start of the recovery it completes was taken back by L1. */
  | 'recoveryLost'
  | 'broken'

/** How many promises had each fate. */
export type Fates = Partial<Record<Fate, number>>

/** Compares every promise given with the chain that stands in the end. */
export function checkPromises({
  world,
  store,
  promises,
  watch,
}: {
  world: World
  /** Derived afresh. */
  store: ChainStore
  promises: readonly KeptPromise[]
  watch: Pick<ChainWatch, 'lost' | 'wasBuilt'>
}): Fates {
  checkEquivocation(world, promises)
  const chain = readChain(world, store, watch)
  const reported = new Set(world.log.filter(isReport).map(({ hash }) => String(hash)))
  const fates: Fates = {}
  for (const promise of promises) {
    const fate = fateOf(promise, chain, watch.lost())
    fates[fate] = (fates[fate] ?? 0) + 1
    const { id, kind, nonce, byBlock, txHash } = promise.signed.promise
    const name = `${id.slice(0, 10)} kind ${kind} nonce ${nonce} ${txHash.slice(0, 10)} by ${byBlock}, given at ${promise.head}`
    if (fate !== 'kept') world.trace('promise', `${fate}: ${name}`)
    if (fate === 'broken') world.fail('every promise is kept or accounted for', name)
    else if (fate !== 'kept' && fate !== 'void' && !reported.has(txHash)) {
      world.fail('a promise that is not kept is reported', `${fate}: ${name}`)
    }
  }
  return fates
}

function isReport({ msg }: LogLine): boolean {
  return msg === 'a promise is overdue' || msg === 'a promised transaction can no longer take effect'
}

function checkEquivocation(world: World, promises: readonly KeptPromise[]): void {
  promises.forEach(({ signed: a }, i) => {
    for (const { signed: b } of promises.slice(i + 1)) {
      if (areEquivocating(a.promise, b.promise)) {
        world.fail('the sequencer never equivocates', `${a.promise.id} nonce ${a.promise.nonce}`)
      }
    }
  })
}

type Chain = {
  changesOf: ReadonlyMap<Hex, readonly KeystoreChange[]>
  /** Numbers of the blocks whose content the sequencer did not choose, or had to leave empty. */
  notOurs: ReadonlySet<bigint>
}

function readChain(
  { rollup, l1 }: World,
  store: ChainStore,
  { wasBuilt }: Pick<ChainWatch, 'wasBuilt'>,
): Chain {
  const changesOf = new Map<Hex, KeystoreChange[]>()
  const notOurs = new Set<bigint>()
  const l1Times = new Map(l1.view().map(({ hash, timestamp }) => [hash, timestamp]))
  for (let number = 1n; number <= store.heads().safe.number; number++) {
    const block = store.blockByNumber(number)
    const receipts = block && store.receiptsOf(block.hash)
    if (block === undefined || receipts === undefined) continue
    for (const change of keystoreChanges({ block, receipts })) {
      changesOf.set(change.id, [...(changesOf.get(change.id) ?? []), change])
    }
    const originTime = l1Times.get(block.header.mixHash) ?? 0n
    const isBeyondDrift = block.header.timestamp > originTime + rollup.maxSequencerDrift
    if (!wasBuilt(block.hash) || isBeyondDrift) notOurs.add(number)
  }
  return { changesOf, notOurs }
}

function fateOf(
  { signed, head, previous, givenAt }: KeptPromise,
  chain: Chain,
  lost: readonly LostChange[],
): Fate {
  const { id, kind, nonce, configHash, byBlock } = signed.promise
  const what = kind === 1 ? 'started' : 'set'
  const changes = chain.changesOf.get(id) ?? []
  const own = changes.find(
    (change) => change.what === what && change.nonce === nonce && change.configHash === configHash,
  )
  if (own !== undefined && own.blockNumber <= byBlock) return 'kept'
  const taker = changes.find(
    (change) =>
      change.isDeposit &&
      change.blockNumber <= byBlock &&
      change.nonce === nonce &&
      (change.what === 'set' || kind === 1),
  )
  if (taker !== undefined) return 'void'
  const wasLost = (accept: (change: LostChange) => boolean) =>
    lost.some((change) => change.id === id && change.lostAt >= givenAt && accept(change))
  if (kind === 2 && wasLost((change) => change.what === 'started')) return 'recoveryLost'
  const isDecidedByL1 = range(head + 1n, byBlock).some((number) => chain.notOurs.has(number))
  if (own !== undefined) return isDecidedByL1 ? 'late' : 'broken'
  const ground = changes.find((change) => change.what === 'set' && change.nonce === nonce - 1n)
  const stands = ground === undefined ? nonce === 1n && previous === id : ground.configHash === previous
  const byDeposit = changes.some(({ isDeposit }) => isDeposit) || wasLost(({ isDeposit }) => isDeposit)
  if (!stands && byDeposit) return 'groundless'
  // A nonce that a deposit took only after the block by which the promise was to be kept.
  const late = changes.find((change) => change.nonce === nonce && change.isDeposit)
  if (late !== undefined && isDecidedByL1) return 'late'
  return 'broken'
}

function range(first: bigint, last: bigint): bigint[] {
  return first > last ? [] : Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i))
}
