import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  type Config,
  concat,
  configToRlp,
  decodeRlp,
  encodeRlp,
  fromHex,
  type RlpItem,
  readKeystore,
  rlpToBytes,
  rlpToList,
  toHex,
  transactionHash,
} from '../../protocol/index.ts'
import { createTestRollup } from '../../test/chainFixtures.ts'
import {
  createSnapshotWorld,
  fromRecords,
  inChunks,
  type SnapshotWorld,
  snapshotBytes,
  storeFromSnapshot,
  toRecords,
} from '../../test/snapshots.ts'
import { createTestKeystore } from '../../test/TestKeystore.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import { createMemoryDatabase } from '../store/Database.ts'
import { chooseSnapshotOutput } from './chooseSnapshotOutput.ts'
import { loadSnapshot } from './loadSnapshot.ts'
import { openSnapshot } from './readSnapshot.ts'
import { MAX_PAYLOAD_BYTES, SNAPSHOT_MAGIC, SnapshotRecordKind, snapshotHeadToBytes } from './Snapshot.ts'
import { MalformedSnapshotError, OtherRollupSnapshotError } from './snapshotErrors.ts'
import type { SnapshotRecord } from './snapshotRecords.ts'
import { writeSnapshot } from './writeSnapshot.ts'

const { head, header, node: NODE, config: CONFIG, initial: INITIAL } = SnapshotRecordKind

let world: SnapshotWorld
let records: SnapshotRecord[]
beforeAll(async () => {
  world = await createSnapshotWorld()
  records = await toRecords(world.bytes)
})

/** Reads a snapshot to its end, without keeping it. */
async function read(bytes: Uint8Array, chunkBytes?: number) {
  const reading = await openSnapshot(inChunks(bytes, chunkBytes), world.rollup)
  const state: string[] = []
  const counts = await reading.readState(async (entries) => {
    for (const { kind, hash } of entries) state.push(`${kind} ${toHex(hash)}`)
  })
  return { ...counts, state, head: reading.head, anchor: reading.anchor }
}

const load = (bytes: Uint8Array) => storeFromSnapshot(bytes, world.rollup)
const recordAt = (kind: number, place = 0) => records.findIndex((each) => each.kind === kind) + place
const refused = async (changed: readonly SnapshotRecord[], details: string | RegExp = /./) => {
  const loading = load(fromRecords(changed))
  await expect(loading).rejects.toThrow(MalformedSnapshotError)
  await expect(loading).rejects.toThrow(details)
}

describe('a snapshot', () => {
  it('holds the state of its base: every keystore, its config, and what belongs to its recovery', async () => {
    const store = await load(world.bytes)
    const { block, anchor } = store.base()
    const root = store.blockByHash(block.hash)?.header.withdrawalsRoot ?? '0x'
    expect([block.number, anchor.number]).toEqual([6n, 12n])
    for (const { id } of world.keystores) {
      const record = readKeystore(store, root, id)
      expect(record).toEqual(readKeystore(world.node.store, root, id))
      expect(store.config(record.configHash)).toEqual(world.node.store.config(record.configHash))
      if (record.recovery === undefined) continue
      const { configHash } = record.recovery
      expect(store.config(configHash)).toEqual(world.node.store.config(configHash))
    }
    const [idle] = world.keystores
    expect(readKeystore(store, root, idle.id)).toMatchObject({ written: false, recovery: expect.anything() })
    expect(store.config(idle.id)).toEqual(idle.initial)
  })

  it('holds its base as a block like any other, and founds a chain that begins there', async () => {
    const store = await load(world.bytes)
    const full = world.node.store
    const { block, l1Block, firstOutput } = store.base()
    expect(store.blockByNumber(6n)).toEqual(full.blockByNumber(6n))
    expect(store.receiptsOf(block.hash)).toEqual(full.receiptsOf(block.hash))
    expect(store.verdictsOf(block.hash)).toEqual(['UNDECODABLE'])
    expect(store.inclusionOf(6n)).toEqual(full.inclusionOf(6n))
    expect(l1Block).toEqual(full.inclusionOf(6n)?.l1Block)
    expect(firstOutput).toEqual({ index: 2n, l1Number: 106n })
    expect([store.outputCount(), store.outputByIndex(1n)]).toEqual([2n, undefined])
    const { unsafe, safe, finalized } = store.heads()
    expect([unsafe, safe, finalized].map(({ hash }) => hash)).toEqual([block.hash, block.hash, block.hash])
    expect([store.blockByNumber(5n), store.inclusionOf(5n)]).toEqual([undefined, undefined])
    expect([100n, 103n, 104n, 105n, 999n].map((at) => store.safeHeadAtL1(at).number)).toEqual([
      6n,
      6n,
      6n,
      6n,
      6n,
    ])
    const raw = store.blockByNumber(6n)?.transactions[0] as Uint8Array
    expect(store.transaction(transactionHash(raw))?.blockNumber).toBe(6n)
  })

  it('reads the same however its bytes come', async () => {
    const whole = await read(world.bytes)
    expect(whole).toMatchObject({ nodes: 7n, configs: 4n, initials: 1n, bytes: BigInt(world.bytes.length) })
    for (const size of [1, 7, 100, 1_000_000]) expect(await read(world.bytes, size)).toEqual(whole)
  })

  it('is the same bytes from whoever writes it, also from a node that began with it', async () => {
    expect(await snapshotBytes(world.node.store, world.output)).toEqual(world.bytes)
    expect(fromRecords(records)).toEqual(world.bytes)
  })
})

it('is not made of a block that no reader would take', async () => {
  const { store } = world.node
  const blockByNumber = (number: bigint) => {
    const block = store.blockByNumber(number)
    return block && { ...block, transactions: [new Uint8Array(MAX_PAYLOAD_BYTES[head])] }
  }
  const source = {
    database: createMemoryDatabase(),
    store: { ...store, blockByNumber },
    rollup: world.rollup,
  }
  await expect(writeSnapshot(source, world.output).next()).rejects.toMatchObject({ reason: 'TOO_LARGE' })
})

describe('a damaged snapshot', () => {
  it('is refused whatever byte is another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(world.bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = world.bytes.with(at, (world.bytes[at] as number) ^ flip)
        await expect(read(changed)).rejects.toThrow(/the snapshot is damaged|got a snapshot of chain/)
      }),
      { numRuns: 1_000 },
    )
  })

  it('has no other state, whatever byte is another under a checksum that fits', async () => {
    const whole = await read(world.bytes)
    const { block, receipts } = whole.head.base
    await fc.assert(
      fc.asyncProperty(
        fc.nat(records.length - 2),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (place, at, flip) => {
          const { kind, payload } = records[place] as SnapshotRecord
          const i = at % payload.length
          const changed = records.with(place, {
            kind,
            payload: payload.with(i, (payload[i] as number) ^ flip),
          })
          // Who needs an initial config, the state says that was loaded before.
          if (kind === INITIAL) return refused(changed)
          const result = await read(fromRecords(changed)).catch((error: unknown) => error)
          if (result instanceof MalformedSnapshotError || result instanceof OtherRollupSnapshotError) return
          const { anchor, state, head: claimed } = result as Awaited<ReturnType<typeof read>>
          // The last header is that of another block: its output is not the one on L1.
          if (kind === header) {
            expect(anchor.outputRoot).not.toBe(whole.anchor.outputRoot)
            return
          }
          // Left are the claims that only L1 can judge, and the names of verdicts.
          expect(kind).toBe(head)
          expect({ anchor, state }).toEqual({ anchor: whole.anchor, state: whole.state })
          expect([claimed.base.block, claimed.base.receipts]).toEqual([block, receipts])
        },
      ),
      { numRuns: 1_500 },
    )
  })

  it('is refused wherever it ends too early, and when something follows', async () => {
    for (let length = 0; length < world.bytes.length; length += length < world.bytes.length - 100 ? 17 : 1) {
      await expect(read(world.bytes.subarray(0, length))).rejects.toThrow(MalformedSnapshotError)
    }
    await expect(read(Uint8Array.of(...world.bytes, 0))).rejects.toThrow(MalformedSnapshotError)
    await expect(read(Uint8Array.of(...world.bytes, ...world.bytes))).rejects.toThrow(MalformedSnapshotError)
  })

  it('is refused before a record of unreasonable length is read', async () => {
    for (const kind of Object.values(SnapshotRecordKind)) {
      const length = MAX_PAYLOAD_BYTES[kind] + 1
      const prefix = Uint8Array.of(kind, length >>> 24, length >>> 16, length >>> 8, length)
      async function* chunks() {
        yield SNAPSHOT_MAGIC
        yield prefix
        throw new RangeError('read on')
      }
      await expect(openSnapshot(chunks())).rejects.toThrow(MalformedSnapshotError)
    }
  })

  it('is refused with a node or config missing, doubled, swapped, or too many', async () => {
    const pieces = records.flatMap(({ kind }, i) =>
      kind === NODE || kind === CONFIG || kind === header ? [i] : [],
    )
    for (const at of pieces) {
      // Without the last header it is the snapshot of an earlier block, which has no such output on L1.
      if (at !== recordAt(NODE, -1)) await refused(records.toSpliced(at, 1))
      await refused(records.toSpliced(at, 0, records[at] as SnapshotRecord))
      const other = records[at + 1] as SnapshotRecord
      if (other.kind !== INITIAL)
        await refused(records.with(at, other).with(at + 1, records[at] as SnapshotRecord))
    }
    await refused(records.with(recordAt(CONFIG), records[recordAt(INITIAL)] as SnapshotRecord))
  })

  it('is refused with an initial config that nothing needs, or one that is none', async () => {
    const stranger = createTestKeystore(world.rollup.l2ChainId, 'stranger')
    const initialOf = (config: Config) => ({ kind: INITIAL, payload: configToRlp(config) })
    const at = recordAt(INITIAL)
    const both = [records[at] as SnapshotRecord, initialOf(stranger.initial)]
    const hashes = [world.keystores[0].id, stranger.id]
    const ordered = (hashes[0] as string) < (hashes[1] as string) ? both : [...both].reverse()
    await refused(
      records.toSpliced(at, 1, ...ordered),
      `nothing in its state needs the initial config ${stranger.id}`,
    )
    await refused(records.toSpliced(at, 1, ...[...ordered].reverse()), 'not in the order of their hashes')
    await refused(records.with(at, initialOf({ ...world.keystores[0].initial, nonce: 1n })), 'that are none')
    // One that state does name is no initial config to tell of.
    await refused(records.with(at, initialOf(world.keystores[2].initial)), 'nothing in its state needs')
  })

  it('is refused when its base begins at genesis, or is not what its header says', async () => {
    const { head: claimed } = await openSnapshot(inChunks(world.bytes))
    const withHead = (changed: Partial<typeof claimed.base>) => [
      { kind: head, payload: snapshotHeadToBytes({ ...claimed, base: { ...claimed.base, ...changed } }) },
      ...records.slice(1),
    ]
    const { block } = claimed.base
    await refused(withHead({ block: { ...block, header: { ...block.header, number: 0n } } }), 'at genesis')
    await refused(withHead({ block: { ...block, transactions: [] } }), 'transactions root')
    await refused(
      withHead({ block: { ...block, transactions: [new Uint8Array()] } }),
      'a transaction of 0 bytes',
    )
    await refused(withHead({ receipts: [] }), 'receipts root')
    await refused(withHead({ verdicts: [undefined] }), 'verdicts')
    await refused(withHead({ verdicts: ['UNDECODABLE', 'UNDECODABLE'] }), 'verdicts')
    await refused(
      withHead({ block: { ...block, header: { ...block.header, timestamp: 1n } } }),
      'got header 7',
    )
    const later = { ...claimed, firstOutput: { ...claimed.firstOutput, index: 4n } }
    await refused(
      [{ kind: head, payload: snapshotHeadToBytes(later) }, ...records.slice(1)],
      'its first output is 4',
    )
  })

  it('is refused before it is decoded, where decoding would take a hundred times its bytes', async () => {
    const { head: claimed } = await openSnapshot(inChunks(world.bytes))
    const items = rlpToList(decodeRlp(snapshotHeadToBytes(claimed)))
    const tiny = listOf(new Uint8Array(2_000_000).fill(0x80))
    const [blockHeader] = rlpToList(decodeRlp(rlpToBytes(items[6])))
    const [receipts, verdicts] = rlpToList(decodeRlp(rlpToBytes(items[7])))
    const listed = (...parts: readonly (RlpItem | undefined)[]) => encodeRlp(parts.map((part) => part ?? []))
    const receipt = concat(Uint8Array.of(0x7e), tiny)
    const enemies: [RegExp, number, Uint8Array][] = [
      [/items in/, 3, tiny],
      [/header ends within/, 6, listOf(concat(tiny, encodeRlp([])))],
      [/a transaction of 0 bytes/, 6, listOf(concat(encodeRlp(blockHeader ?? []), tiny))],
      [/a transaction of 0 bytes/, 6, listOf(concat(encodeRlp(blockHeader ?? []), listOf(tiny)))],
      [/items in/, 7, listOf(concat(tiny, encodeRlp(verdicts ?? [])))],
      [/items in/, 7, listOf(concat(encodeRlp(receipts ?? []), tiny))],
      [/items in/, 7, listed([receipt], verdicts)],
    ]
    for (const [reason, place, enemy] of enemies) {
      const payload = encodeRlp(items.with(place, enemy))
      await refused([{ kind: head, payload }, ...records.slice(1)], reason)
    }
    await refused([{ kind: head, payload: tiny }, ...records.slice(1)], /items in/)
  })

  it('of another rollup is refused before anything else of it is looked at', async () => {
    const other = createTestRollup()
    await expect(openSnapshot(inChunks(world.bytes.subarray(0, 2_500)), other)).rejects.toThrow(
      OtherRollupSnapshotError,
    )
    const { head: claimed } = await openSnapshot(inChunks(world.bytes))
    for (const change of [{ l2ChainId: 5n }, { genesisHash: `0x${'11'.repeat(32)}` as const }]) {
      const payload = snapshotHeadToBytes({ ...claimed, ...change })
      await refused([{ kind: head, payload }, ...records.slice(1)], 'its chain id or genesis')
    }
  })

  it('never makes a chain of what came before the damage', async () => {
    const database = createMemoryDatabase()
    const reading = await openSnapshot(inChunks(world.bytes.subarray(0, -1)), world.rollup)
    await expect(loadSnapshot(reading, database, world.rollup)).rejects.toThrow(MalformedSnapshotError)
    for await (const [key] of database.entries(Uint8Array.of(0), Uint8Array.of(1)))
      expect.unreachable(toHex(key))
  })
})

describe('chooseSnapshotOutput', () => {
  const choose = (wanted?: Parameters<typeof chooseSnapshotOutput>[2], store: Partial<ChainStore> = {}) =>
    chooseSnapshotOutput({ ...world.node.store, ...store }, world.rollup, wanted)
  const reason = (...args: Parameters<typeof choose>) => {
    try {
      return choose(...args).index
    } catch (error) {
      return (error as { reason: string }).reason
    }
  }

  it('takes the newest output past its challenge period, else the newest', () => {
    expect(choose()).toEqual(world.output)
    const { finalized } = world.node.store.heads()
    const second = world.node.store.outputByIndex(2n)
    const timestamp = (second?.l1Timestamp ?? 0n) + BigInt(world.rollup.challengePeriod)
    const heads = () => ({ ...world.node.store.heads(), finalized: { ...finalized, timestamp } })
    expect(reason(undefined, { heads })).toBe(2n)
  })

  it('takes the output that is wanted, by its index or its block, where it can be used', () => {
    expect(choose({ outputIndex: 3n })).toEqual(world.output)
    expect(choose({ blockNumber: 12n })).toEqual(world.output)
    expect(reason({ outputIndex: 4n })).toBe('NO_OUTPUT')
    expect(reason({ blockNumber: 11n })).toBe('NOT_AN_OUTPUT_BLOCK')
    expect(reason({ blockNumber: 99n })).toBe('NO_OUTPUT')
    // Blocks 3 and 6 come from the first L1 block with batches and the next.
    expect([reason({ outputIndex: 0n }), reason({ outputIndex: 1n })]).toEqual([0n, 1n])
    const finalized = world.node.store.heads().finalized
    const heads = () => ({ ...world.node.store.heads(), finalized: { ...finalized, number: 11n } })
    expect(reason({ outputIndex: 3n }, { heads })).toBe('NOT_FINALIZED')
    const wrong = { ...world.output, outputRoot: fromHexHash() }
    expect(reason({ outputIndex: 3n }, { outputByIndex: () => wrong })).toBe('OUTPUT_DIFFERS')
    const early = { ...world.output, l2BlockNumber: 1n }
    expect(reason({ outputIndex: 3n }, { outputByIndex: () => early })).toBe('TOO_EARLY')
    expect(reason(undefined, { outputCount: () => 0n })).toBe('NO_OUTPUT')
  })

  it('does not go below where the database itself began', async () => {
    const store = await load(world.bytes)
    expect(reason({ outputIndex: 2n }, store)).toBe('NO_OUTPUT')
    const below = { ...world.output, l2BlockNumber: 6n }
    expect(reason({ outputIndex: 2n }, { ...store, outputByIndex: () => below })).toBe('TOO_EARLY')
  })
})

/** Makes the RLP of a list whose items are there already. */
function listOf(payload: Uint8Array): Uint8Array {
  const { length } = payload
  return concat(Uint8Array.of(0xfa, length >>> 16, length >>> 8, length), payload)
}

function fromHexHash() {
  return toHex(fromHex(`0x${'22'.repeat(32)}`))
}
