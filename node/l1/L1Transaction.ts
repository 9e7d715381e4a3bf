import type { Address, Hex } from 'viem'
import {
  BLOB_BYTES,
  concat,
  decodeRlp,
  encodeRlp,
  keccakHex,
  orderedTrieRoot,
  type RlpItem,
  toHex,
} from '../../protocol/index.ts'
import type { L1Header } from './L1Header.ts'
import {
  bytesField,
  hexField,
  type JsonObject,
  quantityField,
  quantityItem,
  toList,
  toObject,
} from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** An L1 transaction whose bytes were checked against the header's transactions root. */
export type L1Transaction = {
  /** Computed when it is asked for, each time. */
  readonly hash: Hex
  type: number
  /** Undefined for a contract creation. */
  to: Address | undefined
  input: Uint8Array
  blobVersionedHashes: readonly Hex[]
  raw: Uint8Array
}

const BLOB_TYPE = 3
const KZG_POINT_BYTES = 48

/**
 * Reads the full transactions in a block's JSON.
 *
 * @throws {RefusedAnswerError} when one is malformed or of an unknown type, or they do not have the header's root.
 */
export function l1TransactionsFromJson(header: L1Header, blockJson: unknown): readonly L1Transaction[] {
  const items = toList(toObject(blockJson).transactions).map(toObject)
  const transactions = items.map(transactionFromJson)
  const root = orderedTrieRoot(transactions.map(({ raw }, i) => trieLeaf(raw, items[i])))
  if (root !== header.transactionsRoot) {
    throw new RefusedAnswerError(
      `got transactions of L1 block ${header.hash} with root ${root}, expected ${header.transactionsRoot}`,
    )
  }
  return transactions
}

/**
 * The bytes that the transactions root binds: the transaction's own, but for anvil, whose blocks hold blob transactions in the
 * form in which they travel (EIP-4844 and EIP-7594, networking), and whose JSON then has the sidecar's fields. That form
 * contains the same transaction, and is in no block of a chain that follows the protocol, so nothing is believed by allowing it.
 */
function trieLeaf(raw: Uint8Array, tx: JsonObject = {}): Uint8Array {
  if (raw[0] !== BLOB_TYPE || tx.blobs === undefined) return raw
  const body = decodeRlp(raw.subarray(1))
  const [blobs, commitments] = [points(tx.blobs, BLOB_BYTES), points(tx.commitments, KZG_POINT_BYTES)]
  const wrapped =
    tx.cellProofs === undefined
      ? [body, blobs, commitments, points(tx.proofs, KZG_POINT_BYTES)]
      : [body, Uint8Array.of(1), blobs, commitments, points(tx.cellProofs, KZG_POINT_BYTES)]
  return concat(Uint8Array.of(BLOB_TYPE), encodeRlp(wrapped))
}

function points(json: unknown, width: number): Uint8Array[] {
  return toList(json).map((item) => bytesField({ item }, 'item', width))
}

function transactionFromJson(tx: JsonObject): L1Transaction {
  const type = tx.type === undefined ? 0 : Number(quantityField(tx, 'type'))
  const input = bytesField(tx, 'input')
  const payload = encodeRlp(itemsOf(type, tx, input))
  const raw = type === 0 ? payload : concat(Uint8Array.of(type), payload)
  return {
    // The root proves the bytes, and of few of them anybody wants to know the hash.
    get hash() {
      return keccakHex(raw)
    },
    type,
    to: tx.to === null || tx.to === undefined ? undefined : (hexField(tx, 'to', 20) as Address),
    input,
    blobVersionedHashes: type === BLOB_TYPE ? hashes(tx.blobVersionedHashes).map(toHex) : [],
    raw,
  }
}

/** The field lists of EIP-155, 2930, 1559, 4844 and 7702. */
function itemsOf(type: number, tx: JsonObject, input: Uint8Array): RlpItem[] {
  const to = tx.to === null || tx.to === undefined ? new Uint8Array() : bytesField(tx, 'to', 20)
  const call = [quantityItem(tx, 'gas'), to, quantityItem(tx, 'value'), input]
  const rs = [quantityItem(tx, 'r'), quantityItem(tx, 's')]
  if (type === 0) {
    return [quantityItem(tx, 'nonce'), quantityItem(tx, 'gasPrice'), ...call, quantityItem(tx, 'v'), ...rs]
  }
  const signature = [quantityItem(tx, tx.yParity === undefined ? 'v' : 'yParity'), ...rs]
  const head = [quantityItem(tx, 'chainId'), quantityItem(tx, 'nonce')]
  const accessList = accessListItem(tx.accessList)
  if (type === 1) return [...head, quantityItem(tx, 'gasPrice'), ...call, accessList, ...signature]
  const fees = [quantityItem(tx, 'maxPriorityFeePerGas'), quantityItem(tx, 'maxFeePerGas')]
  const dynamic = [...head, ...fees, ...call, accessList]
  if (type === 2) return [...dynamic, ...signature]
  if (type === BLOB_TYPE) {
    return [...dynamic, quantityItem(tx, 'maxFeePerBlobGas'), hashes(tx.blobVersionedHashes), ...signature]
  }
  if (type === 4) return [...dynamic, toList(tx.authorizationList).map(authorizationItem), ...signature]
  throw new RefusedAnswerError(`got an L1 transaction of type ${type}, which this release does not know`)
}

function accessListItem(json: unknown): RlpItem {
  return toList(json ?? []).map((entry) => {
    const object = toObject(entry)
    return [bytesField(object, 'address', 20), hashes(object.storageKeys)]
  })
}

function authorizationItem(json: unknown): RlpItem {
  const authorization = toObject(json)
  return [
    quantityItem(authorization, 'chainId'),
    bytesField(authorization, 'address', 20),
    quantityItem(authorization, 'nonce'),
    quantityItem(authorization, authorization.yParity === undefined ? 'v' : 'yParity'),
    quantityItem(authorization, 'r'),
    quantityItem(authorization, 's'),
  ]
}

function hashes(json: unknown): Uint8Array[] {
  return toList(json).map((hash) => bytesField({ hash }, 'hash', 32))
}
