import { type Block, blockToRlp, fromHex, type RollupConfig } from '../../protocol/index.ts'
import { Bucket, bucketKey, uint64Key } from './Bucket.ts'
import { type ChainBase, chainBaseToBytes } from './ChainBase.ts'
import type { Inclusion } from './ChainStore.ts'
import type { Database, Write } from './Database.ts'
import { recordWrite } from './records.ts'
import { rollupFingerprint } from './rollupFingerprint.ts'
import { headsToBytes, inclusionToBytes, receiptsToBytes, type StoredReceipts } from './storeCodecs.ts'
import { createTransactionIndex } from './TransactionIndex.ts'

/** Changes whenever something in the database changes its meaning. */
export const SCHEMA_VERSION = '6'

/** The first block of a database with what belongs to it; genesis has no inclusion. */
export type FirstBlock = StoredReceipts & { block: Block; inclusion: Inclusion | undefined }

/** Makes the key of an entry in the meta bucket. */
export function metaKey(name: 'version' | 'rollup' | 'heads' | 'base' | 'outputs'): Uint8Array {
  return bucketKey(Bucket.meta, Buffer.from(name))
}

/**
 * Makes the writes that add a block with its encoded receipts, but for its state and its transactions' places. The block is the
 * last of their records: where it can be read, the log was not cut short before it.
 */
export function blockWrites(
  database: Pick<Database, 'append'>,
  block: Block,
  encodedReceipts: Uint8Array,
): Write[] {
  const hash = fromHex(block.hash)
  const number = uint64Key(block.header.number)
  return [
    recordWrite(database, bucketKey(Bucket.receipts, number), encodedReceipts),
    recordWrite(database, bucketKey(Bucket.block, number), blockToRlp(block)),
    { key: bucketKey(Bucket.canonical, number), value: hash },
    { key: bucketKey(Bucket.number, hash), value: number },
  ]
}

/**
 * Makes the writes that found a chain in a database, but for its state. Only with them does a database hold a chain: they
 * belong into one batch, the last one.
 */
export function foundingWrites(
  database: Database,
  rollup: RollupConfig,
  base: ChainBase,
  { block, inclusion, receipts, verdicts }: FirstBlock,
): Write[] {
  const heads = { unsafe: base.block, safe: base.block, finalized: base.block }
  const number = uint64Key(base.block.number)
  return [
    { key: metaKey('version'), value: Buffer.from(SCHEMA_VERSION) },
    { key: metaKey('rollup'), value: fromHex(rollupFingerprint(rollup)) },
    { key: metaKey('heads'), value: headsToBytes(heads) },
    { key: metaKey('base'), value: chainBaseToBytes(base) },
    { key: metaKey('outputs'), value: uint64Key(base.firstOutput.index) },
    ...blockWrites(database, block, receiptsToBytes({ receipts, verdicts })),
    ...createTransactionIndex(database).add(block, receipts),
    ...(inclusion === undefined
      ? []
      : [{ key: bucketKey(Bucket.inclusion, number), value: inclusionToBytes(inclusion) }]),
  ]
}
