import type { Address, Hex } from 'viem'
import {
  asciiToBytes,
  commitmentOf,
  commitmentSlot,
  encodeRlp,
  fromHex,
  inputsHashOf,
  keccak,
  keccakHex,
  outputRoot,
  slotToKey,
  stateRootOf,
  storageValueToRlp,
  toHex,
  uintToRlp,
} from '../../protocol/index.ts'
import { joinNodes, type OutputProof } from '../../prover/index.ts'
import { named, namedBytes, namedHex } from './named.ts'
import { findPartialTrie, type PartialTrie, type TrieEntry } from './PartialTrie.ts'

/** Accounts of mainnet, near enough. */
const ACCOUNTS = 300_000_000
/** Where the oracle's account ends in such a state: most are at the eighth or ninth node. */
const ACCOUNT_NODES = 9
/** Outputs of a year, one an hour. */
const OUTPUTS = 8_760n
/** Outputs until one is final, by a challenge period of a week. */
const UNDER_CHALLENGE = 168n
const L2_BLOCKS_PER_OUTPUT = 600n
const HOUR = 3600n

const L1_NUMBER = 25_874_112n
const L1_TIME = 1_779_999_947n

/** What a source asks for, to vouch for an L1 block. */
export type Vouched = { source: Address; sourceProof: Hex }

/** An L1 block in whose state an output stands that has just become final. */
export type L1State = {
  hash: Hex
  /** The output's index. */
  index: bigint
  /** How many nodes prove the account, and how many its slot. */
  nodes: readonly [number, number]
  /** The argument of `updateRoot`. */
  proofBy(vouched: Vouched): OutputProof
}

/** Makes an L1 block as mainnet's, in whose OutputOracle an output commits to this root, after so many outputs later. */
export function createL1State(oracle: Address, keystoreRoot: Hex, later = 0n): L1State {
  const index = OUTPUTS - UNDER_CHALLENGE - 1n + later
  const parts = {
    stateRoot: stateRootOf(keystoreRoot),
    keystoreRoot,
    blockHash: namedHex(`L2 block ${index}`),
  }
  const inputsHash = inputsHashOf({
    inboxCount: index,
    inboxChainHash: namedHex(`inbox at ${index}`),
    depositCount: index / 7n,
    depositChainHash: namedHex(`deposits at ${index}`),
  })
  const l1Timestamp = proposedAt(index)
  const l2BlockNumber = (index + 1n) * L2_BLOCKS_PER_OUTPUT
  const word = commitmentOf(index, { outputRoot: outputRoot(parts), l1Timestamp, l2BlockNumber, inputsHash })

  const slot = slotToKey(commitmentSlot(index))
  const storage = createOracleStorage(OUTPUTS + later, index, word)
  const key = keccak(fromHex(oracle))
  const account = encodeRlp([
    uintToRlp(1n),
    uintToRlp(0n),
    fromHex(storage.root),
    keccak(asciiToBytes('code of the oracle')),
  ])
  const state = findPartialTrie(
    `state ${later}`,
    [{ key, value: account }],
    ACCOUNTS,
    (trie) => trie.proofOf(key).length === ACCOUNT_NODES,
  )
  const [accountProof, storageProof] = [state.proofOf(key), storage.proofOf(slot)]
  const header = encodeHeader(fromHex(state.root), L1_NUMBER + later * 300n, L1_TIME + later * HOUR)
  return {
    hash: keccakHex(header),
    index,
    nodes: [accountProof.length, storageProof.length],
    proofBy: (vouched) => ({
      ...vouched,
      header: toHex(header),
      accountProof: joinNodes(accountProof),
      storageProof: joinNodes(storageProof),
      output: { index, ...parts, l1Timestamp, l2BlockNumber, inputsHash },
    }),
  }
}

/** All slots of an OutputOracle: a word per output, and the outputs with their length (protocol.md §5.4). */
function createOracleStorage(outputs: bigint, proven: bigint, word: Hex): PartialTrie {
  const entries: TrieEntry[] = []
  const put = (slot: Hex, value: Hex) =>
    entries.push({ key: slotToKey(slot), value: storageValueToRlp(value) })
  const array = BigInt(keccakHex(fromHex(toWord(1n))))
  put(toWord(1n), toWord(outputs))
  for (let index = 0n; index < outputs; index++) {
    put(commitmentSlot(index), index === proven ? word : namedHex(`commitment ${index}`))
    const first = array + 4n * index
    const counts = (index << 192n) | (index << 128n) | ((index + 1n) << 64n) | proposedAt(index)
    put(toWord(first), namedHex(`output root ${index}`))
    put(toWord(first + 1n), toWord(counts))
    put(toWord(first + 2n), namedHex(`inbox at ${index}`))
    put(toWord(first + 3n), namedHex(`deposits at ${index}`))
  }
  return findPartialTrie('oracle', entries, 0, () => true)
}

function proposedAt(index: bigint): bigint {
  return L1_TIME - HOUR * (OUTPUTS - index)
}

/** Encodes a header with all fields of Osaka, as full as mainnet's are. */
function encodeHeader(stateRoot: Uint8Array, number: bigint, timestamp: bigint): Uint8Array {
  return encodeRlp([
    named(`parent of ${number}`),
    keccak(Uint8Array.of(0xc0)),
    named('builder').subarray(12),
    stateRoot,
    named(`transactions of ${number}`),
    named(`receipts of ${number}`),
    namedBytes(`bloom of ${number}`, 256),
    new Uint8Array(),
    uintToRlp(number),
    uintToRlp(60_000_000n),
    uintToRlp(31_415_926n),
    uintToRlp(timestamp),
    asciiToBytes('BuilderNet (Flashbots)'),
    named(`randao of ${number}`),
    new Uint8Array(8),
    uintToRlp(1_234_567_890n),
    named(`withdrawals of ${number}`),
    uintToRlp(1_179_648n),
    uintToRlp(78_643_200n),
    named(`beacon parent of ${number}`),
    named(`requests of ${number}`),
  ])
}

function toWord(value: bigint): Hex {
  return `0x${value.toString(16).padStart(64, '0')}`
}
