import { type Address, type Hex, hexToBytes } from 'viem'
import type { ChainStore, L1Header } from '../../node/index.ts'
import { batchToBytes, concat, encodeBatcherData, encodeBlob } from '../../protocol/index.ts'
import type { FakeL1Action } from '../FakeL1.ts'
import type { Strangers } from './Miner.ts'
import type { Random } from './Random.ts'
import type { World } from './World.ts'

/** What strangers know of. */
export type StrangersKnow = {
  /** What the batcher posted. */
  posted: () => readonly Hex[]
  raws: () => readonly Uint8Array[]
  /** The store of some verifier, where one runs. */
  store: () => ChainStore | undefined
}

const STRANGER: Address = `0x${'bd'.repeat(20)}`

/** Makes those who fill L1 with garbage, lies and, where the batcher's key has leaked, with batches of their own. */
export function createStrangers(world: World, know: StrangersKnow): Strangers {
  const { garbage } = world.scenario
  const { rollup, l1 } = world
  const random = world.random('strangers')

  function inboxGarbage(): FakeL1Action {
    const data = garbageData(random, know.posted())
    const kind = random.integer(0, 3)
    if (kind === 0) return { kind: 'batch', data, reverts: true }
    if (kind === 1)
      return {
        kind: 'blobs',
        blobs: [random.chance(0.5) ? blobOf(data) : new Uint8Array(131_072).fill(random.integer(0, 255))],
      }
    return { kind: 'batch', data }
  }

  function rogueBatch(): FakeL1Action[] {
    const store = know.store()
    const heads = store?.heads()
    if (store === undefined || heads === undefined) return []
    const { safe } = heads
    const raws = know.raws()
    const transactions = Array.from({ length: random.integer(0, 2) }, () => random.any(raws)).filter(
      (raw) => raw !== undefined,
    )
    const batch = {
      parentHash: safe.hash,
      epochNumber: safe.l1Origin.number,
      epochHash: safe.l1Origin.hash,
      timestamp: safe.timestamp + rollup.blockTime,
      transactions,
    }
    batchToBytes(batch)
    return [{ kind: 'batch', data: encodeBatcherData([batch]) }]
  }

  function outputs(head: L1Header): FakeL1Action[] {
    const standing = l1.stateOf(head).outputs
    if (random.chance(0.5)) {
      if (standing.length === 0) return []
      return [{ kind: 'deleteOutputs', newLength: BigInt(random.integer(0, standing.length - 1)) }]
    }
    const next = (standing.at(-1) ?? 0n) + rollup.submissionInterval
    const outputRoot: Hex = `0x${Buffer.from(random.bytes(32)).toString('hex')}`
    return [{ kind: 'output', outputRoot, l2BlockNumber: next }]
  }

  return (head) => {
    const actions: FakeL1Action[] = []
    // What is in the inbox before the sequencer's first batch is to it a chain whose promises it has lost.
    const hasBegun = l1.stateOf(head).submissions > 0n
    if (hasBegun && random.chance(garbage.inbox)) actions.push(inboxGarbage())
    if (random.chance(garbage.impostors)) {
      const data = garbageData(random, know.posted())
      actions.push({ kind: 'impostor', data, as: random.pick(['emitter', 'target']) })
    }
    if (random.chance(garbage.deposits)) {
      const raw = random.any(know.raws())
      const data = raw === undefined || random.chance(0.3) ? random.bytes(random.integer(0, 60)) : raw
      actions.push({
        kind: 'deposit',
        from: STRANGER,
        data: random.chance(0.3) ? mutated(random, data) : data,
      })
    }
    if (random.chance(garbage.wrongOutputs)) actions.push(...outputs(head))
    if (hasBegun && random.chance(garbage.rogueBatches)) actions.push(...rogueBatch())
    return actions
  }
}

/** Random bytes, or what the batcher posted, changed a little or not at all. */
function garbageData(random: Random, posted: readonly Hex[]): Uint8Array {
  const known = random.any(posted.slice(-8))
  if (known === undefined || random.chance(0.2)) return random.bytes(random.integer(0, 200))
  const data = hexToBytes(known)
  const kind = random.integer(0, 3)
  if (kind === 0) return data
  if (kind === 1) return data.subarray(0, random.integer(0, data.length))
  if (kind === 2) return concat(data, random.bytes(random.integer(1, 8)))
  return mutated(random, data)
}

function mutated(random: Random, data: Uint8Array): Uint8Array {
  if (data.length === 0) return data
  return data.with(random.integer(0, data.length - 1), random.integer(0, 255))
}

function blobOf(data: Uint8Array): Uint8Array {
  return encodeBlob(data.subarray(0, 100_000))
}
