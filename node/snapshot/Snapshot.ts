import type { Hex } from 'viem'
import {
  type Block,
  blockToRlp,
  decodeRlp,
  encodeRlp,
  fromHex,
  InvalidHexError,
  orderedTrieRoot,
  RlpError,
  receiptToBytes,
  rlpToBytes,
  rlpToList,
  rlpToUint,
  stateRootOf,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import type { BlockId } from '../BlockRef.ts'
import type { Inclusion, Verdict } from '../store/ChainStore.ts'
import {
  inclusionFromBytes,
  inclusionToBytes,
  receiptsFromBytes,
  receiptsToBytes,
  type StoredReceipts,
} from '../store/storeCodecs.ts'
import { blockFromUntrustedRlp, requireCoarseRlp } from '../untrustedRlp.ts'
import { MalformedSnapshotError } from './snapshotErrors.ts'

/** What every snapshot begins with; the last byte is the version of the format (docs/snapshot.md). */
export const SNAPSHOT_MAGIC: Uint8Array = Buffer.from('keyroll-snapshot\x01', 'latin1')

/** Kinds of records. Each is `kind (1) ‖ length of the payload (4) ‖ payload`. */
export const SnapshotRecordKind = { head: 1, header: 2, node: 3, config: 4, initial: 5, end: 6 } as const

/** A kind of record. */
export type SnapshotRecordKind = (typeof SnapshotRecordKind)[keyof typeof SnapshotRecordKind]

/** Bytes of a record before its payload. */
export const RECORD_PREFIX_BYTES = 5

/**
 * The longest payload of each kind. A block's deposits are bounded by L1's gas alone: 60,000,000 make 6 MiB of them and their receipts. A branch has 16 hashes, a config has 4,096
 * bytes of data and less than 256 others.
 */
export const MAX_PAYLOAD_BYTES: Readonly<Record<SnapshotRecordKind, number>> = {
  [SnapshotRecordKind.head]: 16 * 1_048_576,
  [SnapshotRecordKind.header]: 1_024,
  [SnapshotRecordKind.node]: 1_024,
  [SnapshotRecordKind.config]: 4_352,
  [SnapshotRecordKind.initial]: 4_352,
  [SnapshotRecordKind.end]: 56,
}

/** Lays out one record. */
export function snapshotRecordToBytes(kind: SnapshotRecordKind, payload: Uint8Array): Uint8Array {
  const record = new Uint8Array(RECORD_PREFIX_BYTES + payload.length)
  record[0] = kind
  new DataView(record.buffer).setUint32(1, payload.length)
  record.set(payload, RECORD_PREFIX_BYTES)
  return record
}

/** An output as a snapshot names it: its index, and the L1 block that it was proposed in. */
export type SnapshotOutput = { index: bigint; l1Block: BlockId }

/** What a snapshot says of itself before its state. */
export type SnapshotHead = {
  /** What `rollupFingerprint` gives of the rollup config. */
  rollup: Hex
  l2ChainId: bigint
  genesisHash: Hex
  /** The block whose state the snapshot holds, the last one that its L1 block led to. */
  base: StoredReceipts & { block: Block; inclusion: Inclusion }
  /** The output by which L1 vouches for the base. */
  output: SnapshotOutput
  /** The first output of a block above the base: `output`, or one before it. */
  firstOutput: SnapshotOutput
}

/**
 * Encodes `rlp([rollup, l2ChainId, genesisHash, inclusion, output, firstOutput, block, receipts])`; an output is
 * `[index, L1 number, L1 hash]`, and inclusion, block and receipts are strings that hold their own RLP.
 */
export function snapshotHeadToBytes(head: SnapshotHead): Uint8Array {
  const output = ({ index, l1Block }: SnapshotOutput) => [
    uintToRlp(index),
    uintToRlp(l1Block.number),
    fromHex(l1Block.hash, 32),
  ]
  return encodeRlp([
    fromHex(head.rollup, 32),
    uintToRlp(head.l2ChainId),
    fromHex(head.genesisHash, 32),
    inclusionToBytes(head.base.inclusion),
    output(head.output),
    output(head.firstOutput),
    blockToRlp(head.base.block),
    receiptsToBytes(head.base),
  ])
}

/**
 * Decodes what {@link snapshotHeadToBytes} encoded, and checks the base block against the roots in its header.
 *
 * @throws {MalformedSnapshotError} when something in it is malformed or does not hash to what it should.
 */
export function snapshotHeadFromBytes(bytes: Uint8Array): SnapshotHead {
  let head: SnapshotHead
  try {
    head = readHead(bytes)
  } catch (cause) {
    if (!(cause instanceof RlpError || cause instanceof InvalidHexError)) throw cause
    throw new MalformedSnapshotError(`its head: ${cause.message}`, { cause })
  }
  const { block, receipts, verdicts } = head.base
  const { header, transactions } = block
  if (header.number === 0n) throw new MalformedSnapshotError('it begins at genesis, expected a later block')
  requireSame('transactions root', orderedTrieRoot(transactions), header.transactionsRoot)
  requireSame('receipts root', orderedTrieRoot(receipts.map(receiptToBytes)), header.receiptsRoot)
  requireSame('state root', stateRootOf(header.withdrawalsRoot), header.stateRoot)
  const isComplete = receipts.length === transactions.length && verdicts.length === receipts.length
  if (!isComplete || !verdicts.every((verdict, i) => isVerdictOf(verdict, receipts[i]?.status))) {
    throw new MalformedSnapshotError('the verdicts on its base block do not fit the receipts')
  }
  if (head.firstOutput.index > head.output.index) {
    throw new MalformedSnapshotError(
      `its first output is ${head.firstOutput.index}, expected at most ${head.output.index}`,
    )
  }
  return head
}

function readHead(bytes: Uint8Array): SnapshotHead {
  requireCoarseRlp(bytes)
  const items = rlpToList(decodeRlp(bytes), 8)
  const [inclusion, receipts] = [rlpToBytes(items[3]), rlpToBytes(items[7])]
  requireCoarseRlp(inclusion)
  requireCoarseReceipts(receipts)
  const outputAt = (i: number): SnapshotOutput => {
    const [index, number, hash] = rlpToList(items[i], 3)
    return {
      index: rlpToUint(index, 64),
      l1Block: { number: rlpToUint(number, 64), hash: toHex(rlpToBytes(hash, 32)) },
    }
  }
  return {
    rollup: toHex(rlpToBytes(items[0], 32)),
    l2ChainId: rlpToUint(items[1], 64),
    genesisHash: toHex(rlpToBytes(items[2], 32)),
    base: {
      inclusion: inclusionFromBytes(inclusion),
      block: blockFromUntrustedRlp(rlpToBytes(items[6])),
      ...receiptsFromBytes(receipts),
    },
    output: outputAt(4),
    firstOutput: outputAt(5),
  }
}

/** Each receipt is RLP of its own, behind its type. */
function requireCoarseReceipts(bytes: Uint8Array): void {
  requireCoarseRlp(bytes)
  const [receipts] = rlpToList(decodeRlp(bytes))
  for (const receipt of rlpToList(receipts)) requireCoarseRlp(rlpToBytes(receipt).subarray(1))
}

/** A reason is not part of the receipts root, so no hash vouches for it; but whether there is one, the status says. */
function isVerdictOf(verdict: Verdict, status: number | undefined): boolean {
  return status === 1 ? verdict === undefined : verdict !== undefined && /^[A-Z_]{1,64}$/.test(verdict)
}

/** How many trie nodes, configs that state names, and initial configs that it does not name a snapshot holds. */
export type SnapshotRecordCounts = { nodes: bigint; configs: bigint; initials: bigint }

/** Encodes the payload of the last record: `nodes (8) ‖ configs (8) ‖ initials (8) ‖ SHA-256 of all bytes before the record`. */
export function snapshotEndToBytes(
  { nodes, configs, initials }: SnapshotRecordCounts,
  checksum: Uint8Array,
): Uint8Array {
  const payload = new Uint8Array(MAX_PAYLOAD_BYTES[SnapshotRecordKind.end])
  const view = new DataView(payload.buffer)
  view.setBigUint64(0, nodes)
  view.setBigUint64(8, configs)
  view.setBigUint64(16, initials)
  payload.set(checksum, 24)
  return payload
}

/**
 * Makes sure that two hashes are one.
 *
 * @throws {MalformedSnapshotError} when they are not.
 */
export function requireSame(what: string, got: Hex, expected: Hex): void {
  if (got !== expected) throw new MalformedSnapshotError(`its ${what} is ${got}, expected ${expected}`)
}
