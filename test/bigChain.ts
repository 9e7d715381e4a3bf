import type { Hex } from 'viem'
import {
  type ChainStore,
  type Database,
  openChainStoreIn,
  type StoredOutput,
  type Write,
} from '../node/index.ts'
import { foundingWrites } from '../node/store/foundingWrites.ts'
import { recordWrite } from '../node/store/records.ts'
import { configKey, createStateReader } from '../node/store/StateReader.ts'
import { appendTrie } from '../node/store/storedTrie.ts'
import {
  type Config,
  configHash,
  configToRlp,
  createGenesis,
  EMPTY_BLOOM,
  EMPTY_TRIE_ROOT,
  emptyTrie,
  keccakHex,
  keystorePut,
  NO_AUTHORITY,
  outputRoot,
  type RollupConfig,
  trieRoot,
  ZERO_HASH,
} from '../protocol/index.ts'
import { sealBlock } from '../protocol/sealBlock.ts'

const BATCH = 5_000

/** A chain with any number of keystores whose history nobody made: it begins with their state. */
export type BigChain = { store: ChainStore; output: StoredOutput }

/**
 * Makes such a chain in an empty database, each keystore updated once, with one finalized block on top and an output of it. The
 * same count always makes the same chain.
 */
export async function createBigChain(
  database: Database,
  rollup: RollupConfig,
  keystores: number,
): Promise<BigChain> {
  const keystoreRoot = await writeState(database, keystores)
  const l1Origin = { ...rollup.genesis.l1, parentBeaconBlockRoot: ZERO_HASH }
  const child = (parentHash: Hex, number: bigint) => {
    const timestamp = rollup.genesis.l2Time + number * rollup.blockTime
    const position = { number, parentHash, timestamp, l1Origin, sequenceNumber: number }
    const nothing = { transactions: [], encodedReceipts: [], logsBloom: EMPTY_BLOOM, gasUsed: 0n }
    return sealBlock({ ...position, ...nothing, keystoreRoot })
  }
  const base = child(createGenesis(rollup).block.hash, 1n)
  const top = child(base.hash, 2n)
  const inclusionAt = (number: bigint) => ({
    l1Block: { number, hash: named(`L1 ${number}`) },
    transactionHash: undefined,
  })
  const first = rollup.genesis.l1.number + 1n
  const output: StoredOutput = {
    index: 0n,
    outputRoot: outputRoot({ stateRoot: top.header.stateRoot, keystoreRoot, blockHash: top.hash }),
    l1Timestamp: rollup.genesis.l2Time,
    l2BlockNumber: 2n,
    l1Block: inclusionAt(first + 2n).l1Block,
    transactionHash: named('output'),
  }
  const id = { number: 1n, hash: base.hash }
  const founded = {
    block: id,
    l1Block: inclusionAt(first).l1Block,
    anchor: id,
    firstOutput: { index: 0n, l1Number: first },
  }
  const firstBlock = { block: base, receipts: [], verdicts: [], inclusion: inclusionAt(first) }
  await database.write(foundingWrites(database, rollup, founded, firstBlock))
  const store = await openChainStoreIn(database, 'a big chain', rollup)
  const result = {
    block: top,
    receipts: [],
    encodedReceipts: [],
    reasons: [],
    trie: emptyTrie(),
    configs: new Map(),
  }
  await store.appendSafe(result, inclusionAt(first + 1n))
  await store.markFinalized({ number: 2n, hash: top.hash })
  await store.putOutput(output)
  return { store, output }
}

/** Writes the state of so many keystores and returns its root; never more than a few are in memory. */
async function writeState(database: Database, keystores: number): Promise<Hex> {
  let root = EMPTY_TRIE_ROOT
  for (let at = 0; at < keystores; at += BATCH) {
    const writes: Write[] = []
    let trie = createStateReader(database).trie(root)
    for (let i = at; i < Math.min(at + BATCH, keystores); i++) {
      const config = configOf(i)
      const hash = configHash(config)
      trie = keystorePut(trie, named(`keystore ${i}`), hash)
      writes.push(recordWrite(database, configKey(hash), configToRlp(config)))
    }
    root = trieRoot(trie)
    await database.write([...writes, ...appendTrie(database, root, trie, [])])
  }
  return root
}

function configOf(i: number): Config {
  const signers = { root: named(`signers ${i}`), threshold: 1 }
  return {
    nonce: 1n,
    signers,
    guardians: NO_AUTHORITY,
    recoveryDelay: 0,
    maxStaleness: 0,
    data: named(`data ${i}`),
  }
}

function named(name: string): Hex {
  return keccakHex(new TextEncoder().encode(name))
}
