import fc from 'fast-check'
import type { Hex } from 'viem'
import { expect, it } from 'vitest'
import {
  type Config,
  configHash,
  EMPTY_TRIE_ROOT,
  emptyTrie,
  fromHex,
  keystoreGet,
  keystoreProof,
  keystorePut,
  stateTransition,
  type Trie,
  verifySignature,
} from '../../protocol/index.ts'
import { attributesOn, createTestKeystore, createTestRollup, fakeHash } from '../../test/chainFixtures.ts'
import { Bucket } from './Bucket.ts'
import { createMemoryDatabase, type Database } from './Database.ts'
import { openChainStoreIn } from './openChainStore.ts'
import { createStateReader } from './StateReader.ts'
import { nodeKey, nodeWrites, rootVersion } from './trieNodes.ts'

const rollup = createTestRollup()
const UPDATES = 2
const keystores = Array.from({ length: 12 }, (_, i) => createTestKeystore(rollup, `keystore ${i}`, UPDATES))

const append = fc.record({
  type: fc.constant('append' as const),
  picks: fc.array(fc.nat(keystores.length - 1), { maxLength: 4 }),
})
const rewind = fc.record({ type: fc.constant('rewind' as const), depth: fc.integer({ min: 1, max: 3 }) })

it('reads the state of every kept block from the database alone, whatever was rewound before', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.oneof({ weight: 3, arbitrary: append }, rewind), { maxLength: 16 }),
      async (steps) => {
        const database = createMemoryDatabase()
        const store = await openChainStoreIn(database, 'a test', rollup)
        // What is in force after each block, by an object of its own for every block.
        const models: Map<Hex, Hex>[] = [new Map()]
        const counts: number[][] = [keystores.map(() => 0)]
        for (const step of steps) {
          if (step.type === 'rewind') {
            const length = Math.max(1, models.length - step.depth)
            models.length = length
            counts.length = length
            await store.rewind(BigInt(length - 1))
            continue
          }
          const model = new Map(models.at(-1))
          const count = [...(counts.at(-1) ?? [])]
          const transactions: Uint8Array[] = []
          for (const pick of step.picks) {
            const keystore = keystores[pick]
            const at = count[pick] ?? 0
            const raw = keystore?.raws[at]
            if (keystore === undefined || raw === undefined) continue
            transactions.push(raw)
            count[pick] = at + 1
            model.set(keystore.id, configHash(keystore.configs[at + 1] as Config))
          }
          const head = store.heads().unsafe
          const parent = store.blockByHash(head.hash)?.header
          if (parent === undefined) expect.unreachable('the head is there')
          const attributes = attributesOn(head, rollup, transactions)
          await store.appendUnsafe(
            stateTransition({ rollup, parent, attributes, reader: store, verify: verifySignature }),
          )
          models.push(model)
          counts.push(count)
        }
        // A reader without caches finds each node where its parent says it is, or not at all.
        const reader = createStateReader(database)
        models.forEach((model, number) => {
          const trie = reader.trie(store.blockByNumber(BigInt(number))?.header.withdrawalsRoot as Hex)
          expectState(trie, model)
        })
        await store.close()
      },
    ),
    { numRuns: 60 },
  )
})

/** Expects what the model says, and the proofs of a trie that was never stored. */
function expectState(trie: Trie, model: ReadonlyMap<Hex, Hex>): void {
  let fresh = emptyTrie()
  for (const [id, hash] of model) fresh = keystorePut(fresh, id, hash)
  for (const { id } of keystores) {
    expect(keystoreGet(trie, id)).toBe(model.get(id))
    expect(keystoreProof(trie, id)).toEqual(keystoreProof(fresh, id))
  }
}

it('keeps nodes in the order of the blocks that made them', () => {
  const hashes = [fakeHash('a'), fakeHash('b')].map((hash) => fromHex(hash))
  const keys = [0, 1, 255, 256, 2 ** 32 - 1, 2 ** 32, 2 ** 48 - 1].flatMap((version) =>
    hashes.toSorted(Buffer.compare).map((hash) => nodeKey(version, hash)),
  )
  expect(keys.toSorted(Buffer.compare)).toEqual(keys)
  expect(keys.every((key) => key[0] === Bucket.node && key.length === 39)).toBe(true)
})

it('tells the version of a root that was written, and of no other', async () => {
  const database: Database = createMemoryDatabase()
  const root = fakeHash('root')
  await database.write(nodeWrites(root, 2 ** 40 + 7, [{ hash: fromHex(root), stored: Uint8Array.of(0xc0) }]))
  expect(rootVersion(database, root)).toBe(2 ** 40 + 7)
  expect(rootVersion(database, fakeHash('other'))).toBeUndefined()
  // A block that changes nothing made no node, and says nothing of its root.
  await database.write(nodeWrites(root, 2 ** 40 + 8, []))
  expect(rootVersion(database, root)).toBe(2 ** 40 + 7)
})

it('opens a trie that was never written as one whose root is missing', () => {
  const { trie } = createStateReader(createMemoryDatabase())
  expect(keystoreGet(trie(EMPTY_TRIE_ROOT), fakeHash('id'))).toBeUndefined()
  expect(() => keystoreGet(trie(fakeHash('root')), fakeHash('id'))).toThrow(
    expect.objectContaining({ name: 'MissingNodeError', hash: fakeHash('root') }),
  )
})
