import type { Hex } from 'viem'
import type { ChainStore } from '../../node/index.ts'
import { areEquivocating } from '../../protocol/index.ts'
import type { Pool } from '../../sequencer/pool/Pool.ts'
import type { UnkeptPromise } from '../../sequencer/pool/UnkeptPromise.ts'
import type { ChainWatch, LostChange } from './ChainWatch.ts'
import { type KeystoreChange, keystoreChanges } from './keystoreChanges.ts'
import type { Owners } from './Owners.ts'
import type { KeptPromise, World } from './World.ts'

/** What became of a promise. All but `broken` are accounted for; all but `kept` the sequencer has to own up to. */
export type Fate =
  | 'kept'
  /** By a deposit at or before `byBlock` that took the nonce, or replaced the config before (protocol.md §8). */
  | 'void'
  /** As void, but by a config further back: after a reorg the sequencer need not know that the promised one builds on it. */
  | 'uprooted'
  /** In a block after `byBlock`, because L1 decided about blocks in between: a closed window, drift, somebody else's
   * batch, or an earlier batch of ours that a reorg brought back; or because L1 took back a deposit that it builds on. */
  | 'late'
  /** What it builds on came by a deposit that L1 took back, and was not there again by `byBlock`. */
  | 'groundless'
  /** L1 took back the start of the recovery that it completes. */
  | 'recoveryLost'
  /** Somebody with the batcher's key let another config of the owner's take effect. */
  | 'usurped'
  | 'broken'

/** How many promises had each fate. */
export type Fates = Partial<Record<Fate, number>>

/** The chain that stands in the end, as far as promises are concerned. */
type Ending = {
  changesOf: ReadonlyMap<Hex, readonly KeystoreChange[]>
  /** When the sequencer chose what is in a block, by number; absent where it did not, or had to leave the block empty. */
  chosenAt: ReadonlyMap<bigint, number>
  lost: readonly LostChange[]
  /** Configs that were promised: the sequencer brings these back itself, and no others. */
  promised: ReadonlySet<Hex>
  previousOf: Owners['previousOf']
}

const SAYS_UNKEPT = 'the sequencer says which promises it has not kept'

/** What the builder says of a block that L1 leaves it no choice about. */
const LEFT_EMPTY = 'the L1 origin is too old: an empty block'

/** Compares every promise given with the chain that stands in the end, and with what the sequencer says of it. */
export async function checkPromises({
  world,
  store,
  owners,
  watch,
  pool,
}: {
  world: World
  /** Derived afresh. */
  store: ChainStore
  owners: Pick<Owners, 'promises' | 'previousOf'>
  watch: Pick<ChainWatch, 'lost' | 'builtAt'>
  pool: Pick<Pool, 'unkept'> | undefined
}): Promise<Fates> {
  const promises = world.sabotage.remember?.(owners.promises()) ?? owners.promises()
  checkEquivocation(world, promises)
  const unkept = pool && (await readUnkept(world, pool))
  const promised = new Set(promises.map(({ signed }) => signed.promise.configHash))
  const ending = { ...readEnding(world, store, watch, owners), promised }
  checkOrder(world, promises, ending)
  const fates: Fates = {}
  for (const promise of promises) {
    const fate = fateOf(promise, ending)
    fates[fate] = (fates[fate] ?? 0) + 1
    const { id, kind, nonce, byBlock, txHash } = promise.signed.promise
    const name = `${id.slice(0, 10)} kind ${kind} nonce ${nonce} ${txHash.slice(0, 10)} by ${byBlock}, given at ${promise.head}`
    if (fate !== 'kept') world.trace('promise', `${fate}: ${name}`)
    if (fate === 'broken') world.fail('every promise is kept or accounted for', name)
    const told = unkept?.get(txHash)
    if (unkept !== undefined && !isRightWord(fate, told)) {
      world.fail(SAYS_UNKEPT, `${fate}, but it says ${describe(told)}: ${name}`)
    }
  }
  return fates
}

/**
 * Of what stands in blocks that the sequencer chose, what was promised first comes first, unless L1 took back what it builds on, or
 * it completes a recovery or builds on one, which may be too early again in the blocks that are built anew.
 */
function checkOrder(world: World, promises: readonly KeptPromise[], ending: Ending): void {
  const completions = promises.filter(({ signed }) => signed.promise.kind === 2)
  const recovered = new Set(completions.map(({ signed }) => signed.promise.configHash))
  const mayWait = (kept: KeptPromise) => {
    const { configHash, nonce } = kept.signed.promise
    const configs = [configHash, ...ancestorsOf(configHash, nonce, ending).values()]
    return lostGroundOf(kept, ending).length > 0 || configs.some((each) => recovered.has(each))
  }
  const placed = promises.flatMap((kept) => {
    const change = changeOf(kept, ending)
    if (change === undefined || change.isDeposit || !ending.chosenAt.has(change.blockNumber)) return []
    return [{ ...kept, change }]
  })
  for (const earlier of placed) {
    const overtaking = placed.find(
      // When one was made whose first answer was lost, nobody knows.
      ({ givenAt, change, isNew }) => isNew && givenAt > earlier.givenAt && isBefore(change, earlier.change),
    )
    if (overtaking === undefined || mayWait(earlier)) continue
    const [first, second] = [earlier, overtaking].map(
      ({ signed, change }) =>
        `${signed.promise.txHash.slice(0, 10)} at ${change.index} in block ${change.blockNumber}`,
    )
    world.fail('what is promised first comes first', `${second}, and ${first}`)
  }
}

function isBefore(a: KeystoreChange, b: KeystoreChange): boolean {
  return a.blockNumber === b.blockNumber ? a.index < b.index : a.blockNumber < b.blockNumber
}

function isRightWord(fate: Fate, told: UnkeptPromise | undefined): boolean {
  if (fate === 'kept') return told === undefined
  if (fate === 'uprooted') return told !== undefined
  return told !== undefined && told.isVoid === (fate === 'void')
}

function describe(told: UnkeptPromise | undefined): string {
  if (told === undefined) return 'nothing'
  return `${told.isVoid ? 'void' : told.outcome} ${told.reason ?? ''} since ${told.since}`
}

/** Undefined, and a failure, when the sequencer cannot say. */
async function readUnkept(
  world: World,
  pool: Pick<Pool, 'unkept'>,
): Promise<ReadonlyMap<Hex, UnkeptPromise> | undefined> {
  const found = new Map<Hex, UnkeptPromise>()
  let after: Hex | undefined
  try {
    do {
      const { promises, next } = await pool.unkept({ after, limit: 50 })
      for (const promise of promises) found.set(promise.signed.promise.txHash, promise)
      after = next
    } while (after !== undefined)
    return found
  } catch (error) {
    world.fail(SAYS_UNKEPT, String(error))
    return undefined
  }
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

function readEnding(
  { rollup, l1, log }: World,
  store: ChainStore,
  { lost, builtAt }: Pick<ChainWatch, 'lost' | 'builtAt'>,
  { previousOf }: Pick<Owners, 'previousOf'>,
): Omit<Ending, 'promised'> {
  const changesOf = new Map<Hex, KeystoreChange[]>()
  const chosenAt = new Map<bigint, number>()
  const emptied = new Set(
    log.filter(({ msg }) => msg === LEFT_EMPTY).map(({ number, at }) => `${number} ${at}`),
  )
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
    const at = builtAt(block.hash)
    const isForced = store.inclusionOf(number)?.transactionHash === undefined
    const isChosen = !isForced && !isBeyondDrift && !emptied.has(`${number} ${at}`)
    if (at !== undefined && isChosen) chosenAt.set(number, at)
  }
  return { changesOf, chosenAt, lost: lost(), previousOf }
}

/** Finds where what was promised stands in the chain. */
function changeOf({ signed }: KeptPromise, ending: Ending): KeystoreChange | undefined {
  const { id, kind, configHash } = signed.promise
  const what = kind === 1 ? 'started' : 'set'
  return ending.changesOf.get(id)?.find((each) => each.what === what && each.configHash === configHash)
}

/** Lists what was promised to be built on and L1 took back since, as far as it does not come back by itself. */
function lostGroundOf({ signed, givenAt }: KeptPromise, ending: Ending): LostChange[] {
  const { id, kind, nonce, configHash } = signed.promise
  const ancestors = ancestorsOf(configHash, nonce, ending)
  return ending.lost.filter((change) => {
    if (change.id !== id || change.lostAt < givenAt) return false
    if (kind === 2 && change.what === 'started') return true
    // Neither a deposit nor a batch of somebody else's comes back by itself.
    const comesBack = !change.isDeposit && ending.promised.has(change.configHash)
    return !comesBack && ancestors.get(change.nonce) === change.configHash
  })
}

function fateOf(kept: KeptPromise, ending: Ending): Fate {
  const { signed, head, givenAt } = kept
  const { id, kind, nonce, configHash, byBlock } = signed.promise
  const changes = ending.changesOf.get(id) ?? []
  const own = changeOf(kept, ending)
  if (own !== undefined && own.blockNumber <= byBlock) return 'kept'

  const ancestors = ancestorsOf(configHash, nonce, ending)
  const isAgainst = (change: KeystoreChange) => {
    if (change.what === 'started') return kind === 1 && change.nonce === nonce && change !== own
    if (change.nonce === nonce) return change.configHash !== configHash || kind === 1
    const ancestor = ancestors.get(change.nonce)
    return ancestor !== undefined && ancestor !== change.configHash
  }
  const against = changes.filter(isAgainst)
  const voiding = against.filter(({ isDeposit, blockNumber }) => isDeposit && blockNumber <= byBlock)
  if (voiding.length > 0) return voiding.some((change) => change.nonce >= nonce - 1n) ? 'void' : 'uprooted'

  const lostGround = lostGroundOf(kept, ending)
  if (kind === 2 && lostGround.some(({ what }) => what === 'started')) return 'recoveryLost'
  // A block chosen before the promise was given was brought back by L1 after the sequencer had left it.
  const isDecidedByL1 = range(head + 1n, byBlock).some(
    (number) => (ending.chosenAt.get(number) ?? 0) < givenAt,
  )
  if (isDecidedByL1 && (own !== undefined || against.some(({ isDeposit }) => isDeposit))) return 'late'
  if (against.some(({ isDeposit, blockNumber }) => !isDeposit && !ending.chosenAt.has(blockNumber)))
    return 'usurped'
  const isInTime = (hash: Hex) =>
    // What is promised anew comes after what was promised before, in the next block.
    changes.some(
      (each) => each.configHash === hash && each.blockNumber + (each.isDeposit ? 0n : 1n) <= byBlock,
    )
  if (lostGround.every((change) => isInTime(change.configHash))) return 'broken'
  return own === undefined ? 'groundless' : 'late'
}

/** The configs that one builds on, by nonce, as far as its owner knows them. */
function ancestorsOf(configHash: Hex, nonce: bigint, { previousOf }: Ending): ReadonlyMap<bigint, Hex> {
  const found = new Map<bigint, Hex>()
  let previous = previousOf(configHash)
  for (let at = nonce - 1n; previous !== undefined && at >= 0n; at--) {
    found.set(at, previous)
    previous = previousOf(previous)
  }
  return found
}

function range(first: bigint, last: bigint): bigint[] {
  return first > last ? [] : Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i))
}
