import type { Hex } from 'viem'
import {
  type Block,
  type BlockResult,
  blockFromRlp,
  type Config,
  compareBytes,
  createGenesis,
  fromHex,
  type NewTrieNode,
  type RollupConfig,
  type TrieReader,
  toHex,
} from '../../protocol/index.ts'
import { type BlockId, type BlockRef, blockToRef, type Heads } from '../BlockRef.ts'
import { minimum } from '../bigints.ts'
import { CriticalFault } from '../Fault.ts'
import { createLruCache } from '../LruCache.ts'
import { writeSnapshot } from '../snapshot/writeSnapshot.ts'
import { Bucket, type BucketNumber, bucketKey, uint64Key } from './Bucket.ts'
import { type ChainBase, chainBaseFromBytes, genesisBase } from './ChainBase.ts'
import type { ChainStore, Inclusion, TransactionLocation } from './ChainStore.ts'
import { createMemoryDatabase, type Database, openLevelDatabase, type Write } from './Database.ts'
import { blockWrites, foundingWrites, metaKey, SCHEMA_VERSION } from './foundingWrites.ts'
import { createNodeCache } from './NodeCache.ts'
import { createOpaqueBucket } from './OpaqueBucket.ts'
import { createOutputStore } from './OutputStore.ts'
import { recordUnder, recordWrite } from './records.ts'
import { rollupFingerprint } from './rollupFingerprint.ts'
import { configKey, readConfig } from './StateReader.ts'
import {
  encodedReceiptsToBytes,
  headsFromBytes,
  headsToBytes,
  inclusionFromBytes,
  inclusionToBytes,
  receiptsFromBytes,
  type StoredReceipts,
} from './storeCodecs.ts'
import { appendTrie, createNodeReader, openTrie } from './storedTrie.ts'
import {
  DamagedDatabaseError,
  GenesisMismatchError,
  NotOnHeadError,
  SchemaVersionError,
  WrongRollupError,
} from './storeErrors.ts'
import { createTransactionIndex, indexedHash } from './TransactionIndex.ts'
import { createWriteBehind } from './WriteBehind.ts'

const CACHED_NODE_BYTES = 64 * 1_048_576
const CACHED_CONFIGS = 20_000
/** A full block with its receipts, and what was decoded of it, takes some megabytes. */
const CACHED_BLOCKS = 32

/**
 * Opens the chain of a rollup in a directory, or in memory for `:memory:`; a new one starts with genesis.
 *
 * @throws {DatabaseUnavailableError} when another process holds the directory.
 * @throws {DamagedDatabaseError} when something of it is lost.
 * @throws {WrongRollupError} when it holds the chain of another rollup config.
 * @throws {SchemaVersionError} when another version of this program wrote it.
 * @throws {GenesisMismatchError} when the config's genesis hash is wrong.
 */
export async function openChainStore(path: string, rollup: RollupConfig): Promise<ChainStore> {
  const database = path === ':memory:' ? createMemoryDatabase() : await openLevelDatabase(path)
  return openChainStoreIn(database, path, rollup)
}

/**
 * Opens the chain of a rollup in a database, which is closed when that fails; `path` is how errors call it.
 *
 * @throws as {@link openChainStore}, but for the directory.
 */
export async function openChainStoreIn(
  database: Database,
  path: string,
  rollup: RollupConfig,
): Promise<ChainStore> {
  try {
    await prepare(database, path, rollup)
    return createChainStore(database, rollup)
  } catch (error) {
    await database.close()
    throw error
  }
}

async function prepare(database: Database, path: string, rollup: RollupConfig): Promise<void> {
  const version = database.get(metaKey('version'))
  if (version !== undefined) {
    const text = Buffer.from(version).toString()
    if (text !== SCHEMA_VERSION) throw new SchemaVersionError(path, text, SCHEMA_VERSION)
    const stored = database.get(metaKey('rollup'))
    if (stored === undefined || toHex(stored) !== rollupFingerprint(rollup)) throw new WrongRollupError(path)
    return
  }
  const genesis = createGenesis(rollup)
  if (genesis.block.hash !== rollup.genesis.l2.hash) {
    throw new GenesisMismatchError(rollup.genesis.l2.hash, genesis.block.hash)
  }
  const { block, receipts, reasons: verdicts } = genesis
  const first = { block, receipts, verdicts, inclusion: undefined }
  await database.write(foundingWrites(database, rollup, genesisBase(block, rollup), first))
}

function createChainStore(disk: Database, rollup: RollupConfig): ChainStore {
  const database = createWriteBehind(disk)
  const nodes = createNodeCache(CACHED_NODE_BYTES)
  const configs = createLruCache<Hex, Config>(CACHED_CONFIGS)
  const blocks = createLruCache<Hex, Block>(CACHED_BLOCKS)
  const receipts = createLruCache<Hex, StoredReceipts>(CACHED_BLOCKS)
  const transactions = createTransactionIndex(database)
  const readFromLog = createNodeReader(database)

  /** Reads through a cache; only what exists is remembered. */
  function cached<T>(
    cache: { get(key: Hex): T | undefined; set(key: Hex, value: T): void },
    hash: Hex,
    read: () => T | undefined,
  ): T | undefined {
    const known = cache.get(hash)
    if (known !== undefined) return known
    const value = read()
    if (value !== undefined) cache.set(hash, value)
    return value
  }

  const readNode: TrieReader = (hash, position) => {
    const known = nodes.get(hash)
    if (known !== undefined) return known
    const stored = readFromLog(hash, position)
    // The hash is a view of the node above it, which would be kept with it.
    if (stored !== undefined) nodes.set({ hash: hash.slice(), stored })
    return stored
  }

  /** Gets what belongs to a block; undefined when there is no block with this hash. */
  function recordOfBlock(bucket: BucketNumber, hash: Hex): Uint8Array | undefined {
    const key = bucketKey(Bucket.number, fromHex(hash, 32))
    const number = database.get(key)
    if (number === undefined) return undefined
    const record = recordUnder(database, bucketKey(bucket, number))
    if (record !== undefined) return record
    // LevelDB may have dropped the block between the two reads.
    if (database.get(key) === undefined) return undefined
    throw new DamagedDatabaseError(`what belongs to block ${hash}`)
  }

  const blockByHash = (hash: Hex) =>
    cached(blocks, hash, () => {
      const bytes = recordOfBlock(Bucket.block, hash)
      if (bytes === undefined) return undefined
      const block = blockFromRlp(bytes)
      if (block.hash !== hash) throw new DamagedDatabaseError(`block ${hash}`)
      return block
    })
  const storedReceipts = (hash: Hex) =>
    cached(receipts, hash, () => {
      const bytes = recordOfBlock(Bucket.receipts, hash)
      return bytes && receiptsFromBytes(bytes)
    })
  const base = readBase()
  const outputs = createOutputStore(database, base.firstOutput.index)
  let heads = readHeads()

  function canonicalHash(number: bigint): Hex | undefined {
    if (number < 0n || number >= 1n << 64n) return undefined
    const bytes = database.get(bucketKey(Bucket.canonical, uint64Key(number)))
    return bytes === undefined ? undefined : `0x${Buffer.from(bytes).toString('hex')}`
  }

  function blockByNumber(number: bigint): Block | undefined {
    const hash = canonicalHash(number)
    return hash === undefined ? undefined : blockByHash(hash)
  }

  function blockAt(number: bigint): Block {
    const block = blockByNumber(number)
    if (block === undefined) throw new DamagedDatabaseError(`block ${number}`)
    return block
  }

  function refAt(number: bigint): BlockRef {
    return blockToRef(blockAt(number))
  }

  function readBase(): ChainBase {
    const bytes = database.get(metaKey('base'))
    if (bytes === undefined) throw new DamagedDatabaseError('its base')
    return chainBaseFromBytes(bytes)
  }

  function readHeads(): Heads {
    const bytes = database.get(metaKey('heads'))
    if (bytes === undefined) throw new DamagedDatabaseError('its heads')
    const { unsafe, safe, finalized } = headsFromBytes(bytes)
    return { unsafe: headAt(unsafe), safe: headAt(safe), finalized: headAt(finalized) }
  }

  function headAt({ number, hash }: BlockId): BlockRef {
    const ref = refAt(number)
    if (ref.hash !== hash) throw new DamagedDatabaseError(`block ${number} ${hash}`)
    return ref
  }

  async function write(next: Heads, writes: readonly Write[], isDerivedAnew = false): Promise<void> {
    const all = [...writes, { key: metaKey('heads'), value: headsToBytes(next) }]
    // What a crash loses of a block that L1 holds, the next start derives once more.
    await (isDerivedAnew ? database.writeBehind(all) : database.write(all))
    heads = next
  }

  function configWrites({ configs }: BlockResult): Write[] {
    return Array.from(configs, ([hash, { rlp }]) => recordWrite(database, configKey(hash), rlp))
  }

  async function append(result: BlockResult, inclusion: Inclusion | undefined): Promise<void> {
    const { block } = result
    const ref = blockToRef(block)
    assertChild('append', ref, heads.unsafe)
    if (inclusion !== undefined) assertChild('append as safe', ref, heads.safe)
    const next = { ...heads, unsafe: ref, safe: inclusion === undefined ? heads.safe : ref }
    const made: NewTrieNode[] = []
    const writes = [
      ...appendTrie(database, block.header.withdrawalsRoot, result.trie, made),
      ...configWrites(result),
      ...blockWrites(database, block, encodedReceiptsToBytes(result.encodedReceipts, result.reasons)),
      ...transactions.add(block, result.receipts),
      ...(inclusion === undefined ? [] : [inclusionWrite(ref.number, inclusion)]),
    ]
    await write(next, writes, inclusion !== undefined)
    blocks.set(block.hash, block)
    receipts.set(block.hash, { receipts: result.receipts, verdicts: result.reasons })
    for (const node of made) {
      // Who goes on from this block will not ask for it again.
      if (node.replaced !== undefined) nodes.delete(node.replaced)
      nodes.set(node)
    }
    for (const [hash, { config }] of result.configs) configs.set(hash, config)
  }

  async function rewind(number: bigint, safeNumber = minimum(number, heads.safe.number)): Promise<void> {
    if (safeNumber < heads.finalized.number) {
      const message = `asked to take the safe head back to ${safeNumber}, below the finalized block ${heads.finalized.number}`
      const details = { reason: 'FINALIZED_L1_REVERTED' }
      throw new CriticalFault(`${message}: L1 reverted what it had finalized`, { details })
    }
    const unsafe = refAt(minimum(number, heads.unsafe.number))
    const safe = refAt(minimum(safeNumber, minimum(unsafe.number, heads.safe.number)))
    const dropped: Block[] = []
    for (let at = unsafe.number + 1n; at <= heads.unsafe.number; at++) dropped.push(blockAt(at))
    const writes = [...droppedWrites(dropped), ...transactions.remove(dropped, unsafe.number)]
    for (let at = safe.number + 1n; at <= heads.safe.number; at++) {
      writes.push({ key: bucketKey(Bucket.inclusion, uint64Key(at)), value: undefined })
    }
    await write({ ...heads, unsafe, safe }, writes)
    for (const { hash } of dropped) {
      blocks.delete(hash)
      receipts.delete(hash)
    }
  }

  function inclusionOf(blockNumber: bigint): Inclusion | undefined {
    if (blockNumber < 0n || blockNumber > heads.safe.number) return undefined
    const bytes = database.get(bucketKey(Bucket.inclusion, uint64Key(blockNumber)))
    return bytes === undefined ? undefined : inclusionFromBytes(bytes)
  }

  function locate(
    hash: Hex,
    bucket: typeof Bucket.transaction | typeof Bucket.forced,
  ): TransactionLocation | undefined {
    const position = transactions.find(hash, bucket)
    const block = position && blockByNumber(position.blockNumber)
    const raw = position && block?.transactions[position.index]
    if (position === undefined || block === undefined || raw === undefined) return undefined
    if (compareBytes(indexedHash(bucket, raw), fromHex(hash, 32)) !== 0) {
      throw new DamagedDatabaseError(`the place of transaction ${hash}`)
    }
    return { blockHash: block.hash, blockNumber: position.blockNumber, index: position.index, raw }
  }

  const store: ChainStore = {
    trie: (root) => openTrie(database, root, readNode),
    config: (hash) => cached(configs, hash, () => readConfig(database, hash)),
    blockByNumber,
    blockByHash,
    receiptsOf: (blockHash) => storedReceipts(blockHash)?.receipts,
    verdictsOf: (blockHash) => storedReceipts(blockHash)?.verdicts,
    transaction: (hash) => locate(hash, Bucket.transaction),
    forcedTransaction: (hash) => locate(hash, Bucket.forced),
    base: () => base,
    heads: () => heads,
    appendUnsafe: (result) => append(result, undefined),
    appendSafe: append,
    async markSafe(id, inclusion) {
      const ref = refAt(minimum(id.number, heads.unsafe.number))
      assertChild('mark as safe', ref, heads.safe)
      if (ref.hash !== id.hash) throw new NotOnHeadError('mark as safe', id, heads.unsafe)
      await write({ ...heads, safe: ref }, [inclusionWrite(ref.number, inclusion)])
    },
    async markFinalized(id) {
      if (id.number > heads.safe.number || canonicalHash(id.number) !== id.hash) {
        throw new NotOnHeadError('finalize', id, heads.safe)
      }
      if (id.number > heads.finalized.number) await write({ ...heads, finalized: refAt(id.number) }, [])
    },
    rewind,
    inclusionOf,
    safeHeadAtL1(l1Number) {
      // Inclusions never go back on L1, so the last block at or before the number is found by halving.
      let [low, high] = [base.block.number, heads.safe.number]
      while (low < high) {
        const middle = (low + high + 1n) / 2n
        const at = inclusionOf(middle)?.l1Block.number
        // It is undefined only of a block that a rewind is dropping.
        if (at !== undefined && at <= l1Number) low = middle
        else high = middle - 1n
      }
      return refAt(low)
    },
    ...outputs,
    bucket: (name) => createOpaqueBucket(database, name),
    snapshot: (output) => writeSnapshot({ database, store, rollup }, output),
    flush: () => database.flush(),
    close: () => database.close(),
  }
  return store
}

function droppedWrites(dropped: readonly Block[]): Write[] {
  return dropped.flatMap(({ hash, header }) =>
    [
      bucketKey(Bucket.block, uint64Key(header.number)),
      bucketKey(Bucket.receipts, uint64Key(header.number)),
      bucketKey(Bucket.canonical, uint64Key(header.number)),
      bucketKey(Bucket.number, fromHex(hash)),
    ].map((key) => ({ key, value: undefined })),
  )
}

function inclusionWrite(blockNumber: bigint, inclusion: Inclusion): Write {
  return { key: bucketKey(Bucket.inclusion, uint64Key(blockNumber)), value: inclusionToBytes(inclusion) }
}

function assertChild(what: string, ref: BlockRef, head: BlockRef): void {
  if (ref.number !== head.number + 1n || ref.parentHash !== head.hash)
    throw new NotOnHeadError(what, ref, head)
}
