import { encodeAbiParameters, encodePacked, type Hex, keccak256, maxUint256 } from 'viem'
import { hashOf } from './shared.ts'

type Output = {
  index: bigint
  stateRoot: Hex
  keystoreRoot: Hex
  blockHash: Hex
  l1Timestamp: bigint
  l2BlockNumber: bigint
  inboxCount: bigint
  inboxChainHash: Hex
  depositCount: bigint
  depositChainHash: Hex
}

const ZERO: Hex = `0x${'00'.repeat(32)}`
const ONES: Hex = `0x${'ff'.repeat(32)}`
const MAX_UINT64 = 2n ** 64n - 1n
const MAX_UINT48 = 2n ** 48n - 1n

const plain: Output = {
  index: 0n,
  stateRoot: hashOf('state root'),
  keystoreRoot: hashOf('keystore root'),
  blockHash: hashOf('block hash'),
  l1Timestamp: 1_700_000_000n,
  l2BlockNumber: 100n,
  inboxCount: 12n,
  inboxChainHash: hashOf('inbox chain hash'),
  depositCount: 3n,
  depositChainHash: hashOf('deposit chain hash'),
}
const noInputs = { inboxCount: 0n, inboxChainHash: ZERO, depositCount: 0n, depositChainHash: ZERO }
const onesEverywhere = {
  stateRoot: ONES,
  keystoreRoot: ONES,
  blockHash: ONES,
  inboxChainHash: ONES,
  depositChainHash: ONES,
}

// Proposable: the OutputOracle can come to hold the output, after at most a few others. It keeps numbers in 64 bits
// and proposes no genesis; the arithmetic is the same for all of uint256.
const cases: [name: string, proposable: boolean, output: Output][] = [
  ['the first output', true, plain],
  ['an output before any submission or deposit', true, { ...plain, ...noInputs }],
  ['submissions but no deposits', true, { ...plain, depositCount: 0n, depositChainHash: ZERO }],
  ['deposits but no submissions', true, { ...plain, inboxCount: 0n, inboxChainHash: ZERO }],
  ['the second output', true, { ...plain, index: 1n, l1Timestamp: 1_700_003_600n, l2BlockNumber: 1900n }],
  ['the sixth output', true, { ...plain, index: 5n }],
  ['inbox and deposits exchanged', true, { ...plain, inboxCount: 3n, depositCount: 12n }],
  ['time and block number exchanged', true, { ...plain, l1Timestamp: 100n, l2BlockNumber: 1_700_000_000n }],
  [
    'state root and keystore root exchanged',
    true,
    { ...plain, stateRoot: plain.keystoreRoot, keystoreRoot: plain.stateRoot },
  ],
  [
    'the latest time and block that a replica takes',
    true,
    { ...plain, l1Timestamp: MAX_UINT48, l2BlockNumber: MAX_UINT48 },
  ],
  [
    'every number and hash at the top of the OutputOracle',
    true,
    {
      ...onesEverywhere,
      index: 2n,
      l1Timestamp: MAX_UINT64,
      l2BlockNumber: MAX_UINT64,
      inboxCount: MAX_UINT64,
      depositCount: MAX_UINT64,
    },
  ],
  [
    'every number and hash zero',
    false,
    {
      ...noInputs,
      index: 0n,
      stateRoot: ZERO,
      keystoreRoot: ZERO,
      blockHash: ZERO,
      l1Timestamp: 0n,
      l2BlockNumber: 0n,
    },
  ],
  ['an index beyond 64 bits', false, { ...plain, index: 2n ** 64n }],
  [
    'every number and hash at the top of its type',
    false,
    {
      ...onesEverywhere,
      index: maxUint256,
      l1Timestamp: maxUint256,
      l2BlockNumber: maxUint256,
      inboxCount: maxUint256,
      depositCount: maxUint256,
    },
  ],
]

/** Builds output_commitment.json: outputs, and their words in the OutputOracle as viem's ABI encoder makes them. */
export function outputCommitmentVectors() {
  return {
    count: cases.length,
    cases: cases.map(([name, proposable, output]) => {
      const outputRoot = keccak256(
        encodePacked(
          ['bytes32', 'bytes32', 'bytes32', 'bytes32'],
          [ZERO, output.stateRoot, output.keystoreRoot, output.blockHash],
        ),
      )
      const inputsHash = hashWords(
        output.inboxCount,
        output.inboxChainHash,
        output.depositCount,
        output.depositChainHash,
      )
      return {
        name,
        proposable,
        index: output.index.toString(),
        stateRoot: output.stateRoot,
        keystoreRoot: output.keystoreRoot,
        blockHash: output.blockHash,
        outputRoot,
        l1Timestamp: output.l1Timestamp.toString(),
        l2BlockNumber: output.l2BlockNumber.toString(),
        inboxCount: output.inboxCount.toString(),
        inboxChainHash: output.inboxChainHash,
        depositCount: output.depositCount.toString(),
        depositChainHash: output.depositChainHash,
        inputsHash,
        commitment: hashWords(output.index, outputRoot, output.l1Timestamp, output.l2BlockNumber, inputsHash),
        slot: hashWords(output.index, 0n),
      }
    }),
  }
}

function hashWords(...words: (bigint | Hex)[]): Hex {
  const types = words.map((word) => ({ type: typeof word === 'bigint' ? 'uint256' : 'bytes32' }))
  return keccak256(encodeAbiParameters(types, words))
}
