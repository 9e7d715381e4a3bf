import { createProof, type Node, ProofType } from '@chainsafe/persistent-merkle-tree'
import { ssz } from '@lodestar/types'
import { bytesToHex, type Hex } from 'viem'

/** Every field is filled from it. */
let counter = 0

function bytes(length: number): Uint8Array {
  counter += 1
  return Uint8Array.from({ length }, (_, i) => (counter * 31 + i * 7 + 1) & 0xff)
}

interface BlockType<Block> {
  defaultValue(): Block
  toView(block: Block): { node: Node }
  getPathInfo(path: string[]): { gindex: bigint }
}

interface CommonBlock {
  slot: number
  proposerIndex: number
  parentRoot: Uint8Array
  stateRoot: Uint8Array
  body: { randaoReveal: Uint8Array; eth1Data: object; graffiti: Uint8Array }
}

/** Up to Fulu a block holds its payload; from Gloas on a bid for it, which names the payload it builds on. */
type PayloadBlock = CommonBlock & { body: { executionPayload: { blockHash: Uint8Array } } }
type BidBlock = CommonBlock & {
  body: { signedExecutionPayloadBid: { message: { parentBlockHash: Uint8Array } } }
}

const payloadPath = ['body', 'executionPayload', 'blockHash']
const bidPath = ['body', 'signedExecutionPayloadBid', 'message', 'parentBlockHash']

function fillCommon(block: CommonBlock, slot: number): void {
  Object.assign(block, {
    slot,
    proposerIndex: 1000 + counter,
    parentRoot: bytes(32),
    stateRoot: bytes(32),
  })
  Object.assign(block.body, { randaoReveal: bytes(96), graffiti: bytes(32) })
  Object.assign(block.body.eth1Data, { depositRoot: bytes(32), depositCount: 9n, blockHash: bytes(32) })
}

function payloadCase<Block extends PayloadBlock>(fork: string, type: BlockType<Block>, slot: number) {
  const block = type.defaultValue()
  fillCommon(block, slot)
  Object.assign(block.body, { blobKzgCommitments: [bytes(48)] })
  Object.assign(block.body.executionPayload, {
    parentHash: bytes(32),
    feeRecipient: bytes(20),
    stateRoot: bytes(32),
    receiptsRoot: bytes(32),
    logsBloom: bytes(256),
    prevRandao: bytes(32),
    blockNumber: 19_426_587 + counter,
    gasLimit: 36_000_000,
    gasUsed: 12_345_678,
    timestamp: 1_710_338_135 + counter,
    extraData: bytes(19),
    baseFeePerGas: 10n ** 9n,
    blockHash: bytes(32),
    transactions: [bytes(120), bytes(1000)],
    withdrawals: [{ index: 5, validatorIndex: 6, address: bytes(20), amount: 7n }],
    blobGasUsed: 131_072n,
    excessBlobGas: 262_144n,
  })
  return proofCase(fork, type, block, block.body.executionPayload.blockHash, payloadPath)
}

function bidCase<Block extends BidBlock>(fork: string, type: BlockType<Block>, slot: number) {
  const block = type.defaultValue()
  fillCommon(block, slot)
  const bid = block.body.signedExecutionPayloadBid.message
  Object.assign(bid, { parentBlockHash: bytes(32), parentBlockRoot: bytes(32), blockHash: bytes(32), slot })
  return proofCase(fork, type, block, bid.parentBlockHash, bidPath)
}

function proofCase<Block extends CommonBlock>(
  fork: string,
  type: BlockType<Block>,
  block: Block,
  blockHash: Uint8Array,
  path: string[],
) {
  const root = type.toView(block).node
  const index = type.getPathInfo(path).gindex
  return {
    name: `${fork}, slot ${block.slot}`,
    slot: `${block.slot}`,
    beaconRoot: bytesToHex(root.root),
    blockHash: bytesToHex(blockHash),
    blockHashIndex: `${index}`,
    slotProof: branch(root, type.getPathInfo(['slot']).gindex),
    blockHashProof: branch(root, index),
  }
}

function branch(root: Node, gindex: bigint): Hex[] {
  const proof = createProof(root, { type: ProofType.single, gindex })
  if (proof.type !== ProofType.single)
    throw new TypeError(`got a proof of type ${proof.type}, expected a single one`)
  return proof.witnesses.map((witness) => bytesToHex(witness))
}

/** Builds ssz_proofs.json: beacon blocks of each fork, with proofs of their slot and of the L1 block hash they name. */
export function sszProofVectors() {
  counter = 0
  // The second slot of each fork is too wide for 32 bits, to show in which order its bytes stand.
  return {
    cases: [
      payloadCase('deneb', ssz.deneb.BeaconBlock, 8_626_176),
      payloadCase('deneb', ssz.deneb.BeaconBlock, 2 ** 40 + 3),
      payloadCase('electra', ssz.electra.BeaconBlock, 11_649_024),
      payloadCase('electra', ssz.electra.BeaconBlock, 2 ** 41 + 5),
      payloadCase('fulu', ssz.fulu.BeaconBlock, 13_164_544),
      payloadCase('fulu', ssz.fulu.BeaconBlock, 2 ** 42 + 7),
      bidCase('gloas', ssz.gloas.BeaconBlock, 17_000_000),
      bidCase('gloas', ssz.gloas.BeaconBlock, 2 ** 43 + 9),
    ],
  }
}
