import type { Hex } from 'viem'
import {
  type BlockAttributes,
  type BlockResult,
  type Config,
  configHash,
  createGenesis,
  createSignerTree,
  depositToBytes,
  headerToRlp,
  KEYSTORE_ADDRESS,
  receiptToBytes,
  type SetConfig,
  setConfigDigest,
  setConfigToBytes,
  stateTransition,
  toHex,
  trieFromRoot,
  userDepositSourceHash,
  verifySignature,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { createNodeMap } from '../../test/nodeMap.ts'
import { approve, createTestSigner, type TestSigner } from '../../test/testSigners.ts'
import { CHAIN_ID, CHALLENGE_PERIOD, hashOf, MIN_RECOVERY_DELAY } from './shared.ts'

const GENESIS_TIME = 1_800_000_000n
/** So long that a recovery is ready after one block. */
const BLOCK_TIME = BigInt(MIN_RECOVERY_DELAY)

const alice = createTestSigner(3, 'alice')
const bob = createTestSigner(1, 'bob')
const carol = createTestSigner(2, 'carol')

const initial: Config = {
  nonce: 0n,
  signers: authorityOf(alice),
  guardians: authorityOf(carol),
  recoveryDelay: MIN_RECOVERY_DELAY,
  maxStaleness: 0,
  data: '0x73616c74',
}
const neighbour: Config = { ...initial, signers: authorityOf(bob), data: '0x6e65696768626f7572' }

/** Builds blocks.json: a chain from genesis, each block with its header, receipts and the reasons of what is invalid. */
export function blockVectors() {
  const chain = createChain()
  const rotation = update(initial, alice, bob)
  const conflict = update(initial, alice, alice)
  const recovery = update(rotation.next, carol, alice, 1)
  const completion: SetConfig = { ...recovery, kind: 2, approvals: [], openings: [] }
  const forced = update(neighbour, bob, bob)
  const undecodable = new Uint8Array([0x4b, 0xc0])
  const blocks = [
    toBlock('genesis', chain.genesis),
    chain.next('without transactions', []),
    chain.next('a rotation, and one in conflict with it', [rotation, conflict].map(setConfigToBytes)),
    chain.nextOrigin('deposits: a forced update, undecodable data, and the rotation again', [
      setConfigToBytes(forced),
      undecodable,
      setConfigToBytes(rotation),
    ]),
    chain.next(
      'a started recovery and its completion, too early',
      [recovery, completion].map(setConfigToBytes),
    ),
    chain.next('the completion in time', [setConfigToBytes(completion)]),
  ]
  return {
    l2ChainId: CHAIN_ID.toString(),
    blockTime: BLOCK_TIME.toString(),
    minRecoveryDelay: MIN_RECOVERY_DELAY.toString(),
    challengePeriod: CHALLENGE_PERIOD.toString(),
    count: blocks.length,
    blocks,
  }
}

function createChain() {
  const l1 = { hash: hashOf('L1 block 100'), number: 100n }
  const genesis = createGenesis({ genesis: { l1, l2Time: GENESIS_TIME } })
  const nodes = createNodeMap()
  const configs = new Map<Hex, Config>()
  const trie = (root: Hex) => trieFromRoot(root, 0, nodes.read)
  const reader = { trie, config: (hash: Hex) => configs.get(hash) }
  const rollup = {
    l2ChainId: CHAIN_ID,
    blockTime: BLOCK_TIME,
    minRecoveryDelay: MIN_RECOVERY_DELAY,
    challengePeriod: CHALLENGE_PERIOD,
  }
  let head = genesis
  let l1Origin: BlockAttributes['l1Origin'] = { ...l1, parentBeaconBlockRoot: ZERO_HASH }
  let sequenceNumber = 0n

  function execute(name: string, transactions: readonly Uint8Array[]) {
    const timestamp = head.block.header.timestamp + BLOCK_TIME
    const attributes = { timestamp, l1Origin, sequenceNumber, transactions }
    const parent = head.block.header
    head = stateTransition({ rollup, parent, attributes, reader, verify: verifySignature })
    nodes.add(head.trie)
    for (const [hash, { config }] of head.configs) configs.set(hash, config)
    return toBlock(name, head)
  }

  return {
    genesis,
    next(name: string, transactions: readonly Uint8Array[]) {
      sequenceNumber += 1n
      return execute(name, transactions)
    },
    nextOrigin(name: string, data: readonly Uint8Array[]) {
      const number = l1Origin.number + 1n
      const hash = hashOf(`L1 block ${number}`)
      l1Origin = { number, hash, parentBeaconBlockRoot: hashOf(`beacon root of L1 block ${number}`) }
      sequenceNumber = 0n
      return execute(
        name,
        data.map((data, index) =>
          depositToBytes({
            sourceHash: userDepositSourceHash(hash, BigInt(index)),
            from: `0x${'d0'.repeat(20)}`,
            to: KEYSTORE_ADDRESS,
            mint: 0n,
            value: 0n,
            gas: 100_000n,
            isSystemTx: false,
            data,
          }),
        ),
      )
    },
  }
}

function toBlock(name: string, { block, receipts, reasons }: BlockResult) {
  return {
    name,
    hash: block.hash,
    header: toHex(headerToRlp(block.header)),
    stateRoot: block.header.stateRoot,
    keystoreRoot: block.header.withdrawalsRoot,
    transactions: block.transactions.map(toHex),
    receipts: receipts.map((receipt) => toHex(receiptToBytes(receipt))),
    reasons: reasons.map((reason) => reason ?? ''),
  }
}

/** Makes a set-config from the config in force to the same with one other signer, who signs its opening if new. */
function update(previous: Config, by: TestSigner, to: TestSigner, kind: 0 | 1 = 0): SetConfig {
  const next: Config = { ...previous, nonce: previous.nonce + 1n, signers: authorityOf(to) }
  const id = configHash(previous.data === neighbour.data ? neighbour : initial)
  const digest = setConfigDigest({ chainId: CHAIN_ID, kind, id, previous: configHash(previous), next })
  return {
    chainId: CHAIN_ID,
    id,
    kind,
    initial: previous.nonce === 0n ? previous : undefined,
    next,
    approvals: approve([by], [by], digest),
    openings: next.signers.root === previous.signers.root ? [] : approve([to], [to], digest),
  }
}

function authorityOf(signer: TestSigner) {
  return { root: createSignerTree([signer]).root, threshold: 1 }
}
