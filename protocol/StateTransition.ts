import type { Hex } from 'viem'
import type { Block } from './Block.ts'
import { EMPTY_BLOOM } from './Bloom.ts'
import { toHex } from './bytes.ts'
import { type Config, configToRlp, type EncodedConfig } from './Config.ts'
import { DEPOSIT_TX_TYPE, KEYSTORE_ADDRESS, MAX_BLOCK_BYTES, ZERO_HASH } from './constants.ts'
import { depositFromBytes } from './Deposit.ts'
import { decodeExtraData } from './ExtraData.ts'
import { KeyrollError } from './errors.ts'
import { type Header, headerHash } from './Header.ts'
import { configSetLog, type Log, recoveryStartedLog } from './KeystoreLogs.ts'
import {
  readConfigHash,
  readRecovery,
  recoverySlots,
  requireConfig,
  type StateReader,
} from './KeystoreState.ts'
import { keystorePut, keystorePutAt, slotToKey } from './KeystoreTrie.ts'
import { encodeReceipts, type Receipt } from './Receipt.ts'
import { RlpError } from './Rlp.ts'
import type { RollupConfig } from './RollupConfig.ts'
import {
  type DecodeReason,
  type ParsedSetConfig,
  parseSetConfig,
  type SetConfig,
  type SetConfigParser,
} from './SetConfig.ts'
import type { SignatureVerifier } from './Signature.ts'
import { type L1Origin, sealBlock } from './sealBlock.ts'
import { EMPTY_TRIE_ROOT, emptyTrie, type Trie, trieRoot } from './Trie.ts'
import { type InvalidReason, type Recovery, validateSetConfig } from './validate.ts'

/** What a block is made of; `transactions` are raw, deposits first. */
export type BlockAttributes = {
  /** Seconds. */
  timestamp: bigint
  l1Origin: L1Origin
  /** The block's place among those of its L1 origin, from 0. */
  sequenceNumber: bigint
  transactions: readonly Uint8Array[]
}

/** Why a transaction of a block changed nothing; UNDECODABLE only of deposits (protocol.md §3.1, §4.1). */
export type RejectReason = InvalidReason | 'UNDECODABLE'

/** A block, and what has to be kept with it. */
export type BlockResult = {
  block: Block
  receipts: Receipt[]
  /** The receipts' bytes, in their order. */
  encodedReceipts: Uint8Array[]
  /** The keystore trie after the block. */
  trie: Trie
  /** The configs that the block's state newly refers to, by hash. */
  configs: Map<Hex, EncodedConfig>
  /** Beside each receipt, why its transaction changed nothing. */
  reasons: (RejectReason | undefined)[]
}

/** What a rollup config says that the state transition depends on. */
export type TransitionRules = Pick<
  RollupConfig,
  'l2ChainId' | 'blockTime' | 'minRecoveryDelay' | 'challengePeriod'
>

/**
 * Executes a block on its parent: the one state transition of the protocol (protocol.md §3, §4).
 *
 * @throws {BlockAttributesError} when the attributes cannot follow the parent.
 * @throws {UndecodableTransactionError} when a transaction is neither a deposit nor decodable (§3.1).
 * @throws {MissingNodeError} when the reader lacks a trie node.
 * @throws {MissingConfigError} when the reader lacks a config that the state refers to.
 */
export function stateTransition({
  rollup,
  parent,
  attributes,
  reader,
  verify,
  parse = parseSetConfig,
}: {
  rollup: TransitionRules
  parent: Header
  attributes: BlockAttributes
  reader: StateReader
  verify: SignatureVerifier
  parse?: SetConfigParser
}): BlockResult {
  assertFollows(parent, attributes, rollup)
  const { timestamp, l1Origin, sequenceNumber, transactions } = attributes
  const configs = new Map<Hex, EncodedConfig>()
  const context: Context = { rollup, timestamp, verify, parse, configs, reader }
  const receipts: Receipt[] = []
  const reasons: (RejectReason | undefined)[] = []
  let trie = reader.trie(parent.withdrawalsRoot)
  let keystoreRoot = parent.withdrawalsRoot
  let cumulativeGasUsed = 0n
  for (const [index, raw] of transactions.entries()) {
    cumulativeGasUsed += BigInt(raw.length)
    const outcome = executeTransaction(context, trie, raw, index)
    if (outcome.ok) {
      trie = outcome.trie
      keystoreRoot = trieRoot(trie)
    }
    reasons.push(outcome.ok ? undefined : outcome.reason)
    receipts.push({
      type: raw[0] as number,
      status: outcome.ok ? 1 : 0,
      cumulativeGasUsed,
      logs: outcome.ok ? [outcome.log] : [],
      keystoreRoot,
    })
  }
  const { encoded: encodedReceipts, logsBloom } = encodeReceipts(receipts)
  const block = sealBlock({
    number: parent.number + 1n,
    parentHash: headerHash(parent),
    timestamp,
    l1Origin,
    sequenceNumber,
    transactions,
    encodedReceipts,
    logsBloom,
    gasUsed: cumulativeGasUsed,
    keystoreRoot,
  })
  return { block, receipts, encodedReceipts, trie, configs, reasons }
}

/** Builds block 0 of a rollup, whose state is empty (protocol.md §4); `genesis.l2` is not looked at. */
export function createGenesis({
  genesis,
}: {
  genesis: Pick<RollupConfig['genesis'], 'l1' | 'l2Time'>
}): BlockResult {
  const block = sealBlock({
    number: 0n,
    parentHash: ZERO_HASH,
    timestamp: genesis.l2Time,
    l1Origin: { ...genesis.l1, parentBeaconBlockRoot: ZERO_HASH },
    sequenceNumber: 0n,
    transactions: [],
    encodedReceipts: [],
    logsBloom: EMPTY_BLOOM,
    gasUsed: 0n,
    keystoreRoot: EMPTY_TRIE_ROOT,
  })
  const state = { trie: emptyTrie(), configs: new Map() }
  return { block, receipts: [], encodedReceipts: [], ...state, reasons: [] }
}

type Context = {
  rollup: TransitionRules
  timestamp: bigint
  verify: SignatureVerifier
  parse: SetConfigParser
  /** What the block's transactions added so far. */
  configs: Map<Hex, EncodedConfig>
  reader: StateReader
}

function configOf({ configs, reader }: Context, hash: Hex): Config {
  return configs.get(hash)?.config ?? requireConfig(reader, hash)
}

type Outcome = { ok: true; trie: Trie; log: Log } | { ok: false; reason: RejectReason }

function executeTransaction(context: Context, trie: Trie, raw: Uint8Array, index: number): Outcome {
  const { parse } = context
  const { l2ChainId } = context.rollup
  if (raw[0] === DEPOSIT_TX_TYPE) {
    const { to, data } = readDeposit(raw, index)
    const decoded = to === KEYSTORE_ADDRESS ? parse(data, l2ChainId) : undefined
    return decoded?.ok ? executeSetConfig(context, trie, decoded) : { ok: false, reason: 'UNDECODABLE' }
  }
  const decoded = parse(raw, l2ChainId)
  // A batch with such bytes is dropped before it comes here, and the pool takes none.
  if (!decoded.ok) throw new UndecodableTransactionError(index, decoded.reason)
  return executeSetConfig(context, trie, decoded)
}

function executeSetConfig(
  context: Context,
  trie: Trie,
  { tx, nextHash, digestFor }: Extract<ParsedSetConfig, { ok: true }>,
): Outcome {
  const { rollup, timestamp, verify } = context
  const key = slotToKey(tx.id)
  const currentHash = readConfigHash(trie, tx.id, key)
  const current = currentHash === undefined ? tx.initial : configOf(context, currentHash)
  // Without a slot the nonce in force is 0, and only `next.nonce` 1 comes with the initial config.
  if (current === undefined) return { ok: false, reason: 'NONCE_TOO_HIGH' }
  const reason = validateSetConfig({
    tx,
    current,
    recovery: tx.kind === 0 ? undefined : recoveryOf(context, trie, tx.id),
    timestamp,
    rollup,
    verify,
    hashes: { current: currentHash ?? tx.id, next: nextHash },
    digestFor,
  })
  if (reason !== undefined) return { ok: false, reason }
  return tx.kind === 1
    ? startRecovery(context, trie, tx, current, nextHash)
    : setConfig(context, trie, key, tx, nextHash)
}

function recoveryOf(context: Context, trie: Trie, id: Hex): Recovery | undefined {
  return readRecovery(trie, id, (hash) => configOf(context, hash))
}

function setConfig(
  { configs }: Context,
  trie: Trie,
  key: Uint8Array,
  { id, next }: SetConfig,
  nextHash: Hex,
): Outcome {
  const rlp = configToRlp(next)
  configs.set(nextHash, { config: next, rlp })
  const log = configSetLog({ id, nonce: next.nonce, configHash: nextHash, rlp })
  return { ok: true, trie: keystorePutAt(trie, key, nextHash), log }
}

function startRecovery(
  { configs, timestamp }: Context,
  trie: Trie,
  { id, next }: SetConfig,
  current: Config,
  nextHash: Hex,
): Outcome {
  const rlp = configToRlp(next)
  configs.set(nextHash, { config: next, rlp })
  // The config in force may be an initial one that nobody has seen before: who reads the keystore wants it.
  if (current.nonce === 0n) configs.set(id, { config: current, rlp: configToRlp(current) })
  const slots = recoverySlots(id)
  const readyAt = timestamp + BigInt(current.recoveryDelay)
  const word = new Uint8Array(32)
  new DataView(word.buffer).setBigUint64(24, readyAt)
  const withHash = keystorePut(trie, slots.hash, nextHash)
  const log = recoveryStartedLog({
    id,
    nonce: next.nonce,
    configHash: nextHash,
    readyAt,
    rlp,
  })
  return { ok: true, trie: keystorePut(withHash, slots.readyAt, toHex(word)), log }
}

function readDeposit(raw: Uint8Array, index: number) {
  try {
    return depositFromBytes(raw)
  } catch (cause) {
    if (!(cause instanceof RlpError)) throw cause
    throw new BlockAttributesError(`transaction ${index} is no deposit: ${cause.message}`, { cause })
  }
}

function assertFollows(parent: Header, attributes: BlockAttributes, rollup: TransitionRules): void {
  const { timestamp, transactions } = attributes
  if (timestamp !== parent.timestamp + rollup.blockTime) {
    throw new BlockAttributesError(
      `got timestamp ${timestamp}, expected ${parent.timestamp + rollup.blockTime}`,
    )
  }
  assertOriginFollows(parent, attributes)
  let deposits = 0
  let bytes = 0
  for (const [index, raw] of transactions.entries()) {
    if (raw[0] !== DEPOSIT_TX_TYPE) bytes += raw.length
    else if (index === deposits) deposits += 1
    else throw new BlockAttributesError('got a deposit after a set-config, expected deposits first')
  }
  if (deposits > 0 && attributes.sequenceNumber !== 0n) {
    throw new BlockAttributesError(
      'got deposits in a later block of their L1 origin, expected them in the first',
    )
  }
  if (bytes > MAX_BLOCK_BYTES) {
    throw new BlockAttributesError(`got ${bytes} bytes of set-configs, expected at most ${MAX_BLOCK_BYTES}`)
  }
}

/** The origin stays, and the sequence number counts on; or it is the next L1 block, and the count starts again. */
function assertOriginFollows(parent: Header, { l1Origin, sequenceNumber }: BlockAttributes): void {
  const before = decodeExtraData(parent.extraData)
  if (l1Origin.number === before.l1OriginNumber) {
    const isSame = l1Origin.hash === parent.mixHash && sequenceNumber === before.sequenceNumber + 1n
    if (isSame) return
  } else if (l1Origin.number === before.l1OriginNumber + 1n && sequenceNumber === 0n) {
    return
  }
  throw new BlockAttributesError(
    `got L1 origin ${l1Origin.number} (${l1Origin.hash}) at ${sequenceNumber}, expected to follow ${before.l1OriginNumber} (${parent.mixHash}) at ${before.sequenceNumber}`,
  )
}

/** Reports attributes from which no block on that parent can be made: a defect of whoever made them. */
export class BlockAttributesError extends KeyrollError {
  override readonly name = 'BlockAttributesError'
}

/** Reports bytes in a block's attributes that are neither a deposit nor a set-config of this rollup. */
export class UndecodableTransactionError extends KeyrollError {
  override readonly name = 'UndecodableTransactionError'
  constructor(
    readonly index: number,
    readonly reason: DecodeReason,
  ) {
    super(`transaction ${index} is no set-config of this rollup (${reason}), expected only decodable ones`)
  }
}
