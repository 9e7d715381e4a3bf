import { ssz } from '@lodestar/types'
import { encodeAbiParameters, type Hex, hexToBytes } from 'viem'
import { toHex } from '../../protocol/index.ts'
import { createSszBranch } from '../../prover/SszBranch.ts'
import { named, namedBytes } from './named.ts'

const BEACON_SLOT = 14_431_160

/**
 * Makes the root of a beacon block that names an L1 block at a generalized index, and the proof of it that the source asks
 * for, where EIP-4788 holds the root under `timestamp`.
 */
export function proveByBeacon(blockHash: Hex, timestamp: bigint, index: bigint) {
  const block = ssz.fulu.BeaconBlock.defaultValue()
  block.slot = BEACON_SLOT
  block.proposerIndex = 1_204_117
  block.parentRoot = named('parent beacon block')
  block.stateRoot = named('beacon state')
  const { body } = block
  body.randaoReveal = namedBytes('randao reveal', 96)
  body.eth1Data = { depositRoot: named('deposits'), depositCount: 2_097_152n, blockHash: named('eth1 block') }
  body.graffiti = named('graffiti')
  body.syncAggregate.syncCommitteeSignature = namedBytes('sync committee', 96)
  body.blobKzgCommitments = [namedBytes('blob 0', 48), namedBytes('blob 1', 48)]
  const payload = body.executionPayload
  payload.blockHash = hexToBytes(blockHash)
  payload.parentHash = named('parent L1 block')
  payload.stateRoot = named('L1 state')
  payload.receiptsRoot = named('L1 receipts')
  payload.logsBloom = namedBytes('L1 bloom', 256)
  payload.prevRandao = named('randao')
  payload.blockNumber = 25_874_112
  payload.transactions = [namedBytes('transaction', 200)]

  const tree = ssz.fulu.BeaconBlock.value_toTree(block)
  const root = toHex(tree.root)
  const sourceProof = encodeAbiParameters(
    [
      { type: 'uint64' },
      { type: 'bytes32' },
      { type: 'uint64' },
      { type: 'bytes32[]' },
      { type: 'bytes32[]' },
    ],
    [
      timestamp,
      root,
      BigInt(block.slot),
      createSszBranch(tree, 8n).siblings,
      createSszBranch(tree, index).siblings,
    ],
  )
  return { root, sourceProof }
}
