import { ssz } from '@lodestar/types'
import { type Block, bytesToHex, type Hex, hexToBytes } from 'viem'
import { decodeRlp, encodeRlp, rlpToBytes, rlpToList } from '../protocol/index.ts'

/** An L1 block as viem reads it, without its transactions. */
export type L1Block = Block<bigint, false, 'latest'>

/** A fork of the beacon chain whose blocks are built here. */
export type BeaconFork = 'deneb' | 'electra' | 'fulu'

/** A beacon block's message, and its fork; Fulu left Electra's block as it was. */
export type BeaconBlock =
  | { fork: 'deneb'; message: ReturnType<typeof ssz.deneb.BeaconBlock.defaultValue> }
  | { fork: 'electra' | 'fulu'; message: ReturnType<typeof ssz.electra.BeaconBlock.defaultValue> }

/** What a beacon block says of its L1 block. */
export type ExecutionPayload = ReturnType<typeof ssz.deneb.ExecutionPayload.defaultValue>

/** What a beacon block is built of. */
export type BeaconBlockParts = {
  slot: number
  parentRoot: Uint8Array
  payload: ExecutionPayload
  blobKzgCommitments: Uint8Array[]
}

/** A transaction in a block: its consensus bytes, and the commitments of its blobs. */
export type IncludedTransaction = { raw: Uint8Array; commitments: readonly Uint8Array[] }

const BLOB_TRANSACTION_TYPE = 0x03

/**
 * Takes the blobs off a raw transaction: nodes may return EIP-4844's network form
 * `0x03 ‖ rlp([tx, ..., blobs, commitments, proofs])`, blocks hold `0x03 ‖ rlp(tx)`.
 */
export function toIncludedTransaction(raw: Uint8Array): IncludedTransaction {
  if (raw[0] !== BLOB_TRANSACTION_TYPE) return { raw, commitments: [] }
  const fields = rlpToList(decodeRlp(raw.subarray(1)))
  const [transaction] = fields
  if (transaction === undefined || transaction instanceof Uint8Array) return { raw, commitments: [] }
  // EIP-7594 puts a version between the transaction and the blobs.
  const commitments = rlpToList(fields[1] instanceof Uint8Array ? fields[3] : fields[2])
  return {
    raw: Uint8Array.of(BLOB_TRANSACTION_TYPE, ...encodeRlp(transaction)),
    commitments: commitments.map((commitment) => rlpToBytes(commitment, 48)),
  }
}

/** Builds a beacon block; there are no validators, so what only they know stays at its default. */
export function createBeaconBlock(fork: BeaconFork, parts: BeaconBlockParts): BeaconBlock {
  return fork === 'deneb'
    ? { fork, message: fill(ssz.deneb.BeaconBlock.defaultValue(), parts) }
    : { fork, message: fill(ssz.electra.BeaconBlock.defaultValue(), parts) }
}

function fill<message extends BeaconBlock['message']>(block: message, parts: BeaconBlockParts): message {
  block.slot = parts.slot
  block.parentRoot = parts.parentRoot
  block.body.eth1Data.blockHash = parts.payload.blockHash
  block.body.randaoReveal = POINT_AT_INFINITY
  block.body.syncAggregate.syncCommitteeSignature = POINT_AT_INFINITY
  block.body.blobKzgCommitments = parts.blobKzgCommitments
  block.body.executionPayload = parts.payload
  return block
}

/** Takes an L1 block, as JSON-RPC tells it, for what its beacon block holds. */
export function l1BlockToPayload(
  l1: L1Block,
  transactions: readonly IncludedTransaction[],
): ExecutionPayload {
  return {
    parentHash: hexToBytes(l1.parentHash),
    feeRecipient: hexToBytes(l1.miner),
    stateRoot: hexToBytes(l1.stateRoot),
    receiptsRoot: hexToBytes(l1.receiptsRoot),
    logsBloom: hexToBytes(l1.logsBloom),
    prevRandao: hexToBytes(l1.mixHash),
    blockNumber: Number(l1.number),
    gasLimit: Number(l1.gasLimit),
    gasUsed: Number(l1.gasUsed),
    timestamp: Number(l1.timestamp),
    extraData: hexToBytes(l1.extraData),
    baseFeePerGas: l1.baseFeePerGas ?? 0n,
    blockHash: hexToBytes(l1.hash),
    transactions: transactions.map(({ raw }) => raw),
    withdrawals: [],
    blobGasUsed: l1.blobGasUsed,
    excessBlobGas: l1.excessBlobGas,
  }
}

/** The BLS signature of nobody: the compressed point at infinity. */
const POINT_AT_INFINITY: Uint8Array = Uint8Array.of(0xc0, ...new Uint8Array(95))

/** The root of a beacon block, which is what EIP-4788 stores. */
export function beaconBlockRoot(block: BeaconBlock): Hex {
  const root =
    block.fork === 'deneb'
      ? ssz.deneb.BeaconBlock.hashTreeRoot(block.message)
      : ssz.electra.BeaconBlock.hashTreeRoot(block.message)
  return bytesToHex(root)
}

/** A beacon block as the beacon API serves it: signed, and in the forms that a client may ask for. */
export type ServedForms = { ssz(): Uint8Array; json(): unknown; headerJson(): unknown }

/** Signs a beacon block as nobody. */
export function toServedForms(block: BeaconBlock): ServedForms {
  return block.fork === 'deneb'
    ? servedForms(ssz.deneb, block.message)
    : servedForms(ssz.electra, block.message)
}

type SignedBlock<message> = { message: message; signature: Uint8Array }

function servedForms<message extends BeaconBlock['message']>(
  types: {
    BeaconBlockBody: { hashTreeRoot(body: message['body']): Uint8Array }
    SignedBeaconBlock: {
      serialize(block: SignedBlock<message>): Uint8Array
      toJson(block: SignedBlock<message>): unknown
    }
  },
  message: message,
): ServedForms {
  const signed = { message, signature: POINT_AT_INFINITY }
  return {
    ssz: () => types.SignedBeaconBlock.serialize(signed),
    json: () => types.SignedBeaconBlock.toJson(signed),
    headerJson: () => {
      const header = { ...message, bodyRoot: types.BeaconBlockBody.hashTreeRoot(message.body) }
      return {
        message: ssz.phase0.BeaconBlockHeader.toJson(header),
        signature: bytesToHex(POINT_AT_INFINITY),
      }
    },
  }
}
