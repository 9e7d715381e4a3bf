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
  MalformedNodeError,
  MissingNodeError,
  type NewTrieNode,
  stateTransition,
  storedTrieNodeRlp,
  type Trie,
  toHex,
  trieNodeContents,
  trieRoot,
  verifySignature,
} from '../../protocol/index.ts'
import {
  attributesOn,
  createTestKeystore,
  createTestRollup,
  fakeHash,
  type TestKeystore,
} from '../../test/chainFixtures.ts'
import { createMemoryDatabase } from './Database.ts'
import { openChainStoreIn } from './openChainStore.ts'
import { createStateReader } from './StateReader.ts'
import { appendTrie, createNodeReader, openTrie, rootPosition, rootWrite } from './storedTrie.ts'

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

/** A trie that was never stored, in which each of these keystores has its first config. */
function trieOf(some: readonly TestKeystore[]): Trie {
  return some.reduce(
    (trie, { id, configs }) => keystorePut(trie, id, configHash(configs[0] as Config)),
    emptyTrie(),
  )
}

/** Expects what the trie says of a keystore, or a typed error. */
function expectValueOrDamage(trie: Trie, { id, configs }: TestKeystore): void {
  try {
    expect(keystoreGet(trie, id)).toBe(configHash(configs[0] as Config))
  } catch (error) {
    if (!(error instanceof MissingNodeError || error instanceof MalformedNodeError)) throw error
  }
}

it('appends each node behind those below it, and tells where the root stands', async () => {
  const database = createMemoryDatabase()
  const trie = trieOf(keystores.slice(0, 8))
  const root = trieRoot(trie)
  const made: NewTrieNode[] = []
  const writes = appendTrie(database, root, trie, made)
  await database.write(writes)
  const readNode = createNodeReader(database)
  const found: Uint8Array[] = []
  const visit = (hash: Uint8Array, position: number) => {
    const stored = readNode(hash, position)
    if (stored === undefined) expect.unreachable(`the node ${toHex(hash)}`)
    for (const child of trieNodeContents(stored, hash).below) {
      expect(child.position).toBeLessThan(position)
      visit(child.hash, child.position)
    }
    found.push(stored)
  }
  visit(fromHex(root), rootPosition(database, root) as number)
  expect(found.length).toBeGreaterThan(8)
  expect(found).toEqual(made.map(({ stored }) => stored))
})

it('tells the position of a root that was written, and of no other', async () => {
  const database = createMemoryDatabase()
  const root = fakeHash('root')
  await database.write([rootWrite(root, 2 ** 47 + 7)])
  expect(rootPosition(database, root)).toBe(2 ** 47 + 7)
  expect(rootPosition(database, fakeHash('other'))).toBeUndefined()
})

it('writes nothing of a trie that stands there already', async () => {
  const database = createMemoryDatabase()
  const trie = trieOf(keystores)
  const root = trieRoot(trie)
  await database.write(appendTrie(database, root, trie, []))
  const again = openTrie(database, root, createNodeReader(database))
  const [{ id, configs }] = keystores as [TestKeystore]
  const same = keystorePut(again, id, configHash(configs[0] as Config))
  const append = () => expect.unreachable('appended')
  expect(appendTrie({ append }, root, same, [])).toEqual([])
})

it('takes a node that the disk garbled for one that is missing', async () => {
  const trie = trieOf(keystores)
  const root = trieRoot(trie)
  const whole = createMemoryDatabase()
  await whole.write(appendTrie(whole, root, trie, []))
  const readNode = createNodeReader(whole)
  const position = rootPosition(whole, root) as number
  const stored = readNode(fromHex(root), position) as Uint8Array
  const rlp = storedTrieNodeRlp(stored)
  fc.assert(
    fc.property(fc.nat(stored.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const record = () => stored.with(at, (stored[at] as number) ^ flip)
      // What stands behind its RLP leads to other nodes, whose hashes are not those that it names.
      expect(createNodeReader({ record })(fromHex(root), position) === undefined).toBe(at < rlp.length)
      const read = (hash: Uint8Array, where: number) =>
        createNodeReader(where === position ? { record } : whole)(hash, where)
      for (const keystore of keystores) expectValueOrDamage(openTrie(whole, root, read), keystore)
    }),
  )
  for (const record of [() => new Uint8Array(), () => stored.subarray(0, 1), () => undefined]) {
    expect(createNodeReader({ record })(fromHex(root), position)).toBeUndefined()
  }
})

it('opens a trie that was never written as one whose root is missing', () => {
  const { trie } = createStateReader(createMemoryDatabase())
  expect(keystoreGet(trie(EMPTY_TRIE_ROOT), fakeHash('id'))).toBeUndefined()
  expect(() => keystoreGet(trie(fakeHash('root')), fakeHash('id'))).toThrow(
    expect.objectContaining({ name: 'MissingNodeError', hash: fakeHash('root') }),
  )
})
