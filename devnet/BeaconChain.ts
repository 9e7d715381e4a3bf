import { createPublicClient, type Hex, hexToBytes, http } from 'viem'
import { orderedTrieRoot } from '../protocol/index.ts'
import {
  type BeaconBlock,
  type BeaconFork,
  beaconBlockRoot,
  createBeaconBlock,
  type L1Block,
  l1BlockToPayload,
  toIncludedTransaction,
} from './BeaconBlock.ts'
import { DevnetError } from './DevnetError.ts'

/** A beacon block with what is asked of it. */
export type StoredBeaconBlock = BeaconBlock & { root: Hex; l1: { number: bigint; hash: Hex } }

/** A chain of beacon blocks, one per L1 block, as the beacon API serves it. */
export interface BeaconChain {
  /** The execution chain's. */
  readonly chainId: number
  /** Seconds; slot 0. A slot lasts one second, so each L1 block has its own, and slots without a block are missed ones. */
  readonly genesisTime: bigint
  /** The epoch from which each fork is; forks that are not named here never come. */
  readonly forkEpochs: Readonly<Partial<Record<BeaconFork, number>>>
  head(): StoredBeaconBlock
  genesis(): StoredBeaconBlock
  justified(): Promise<StoredBeaconBlock>
  finalized(): Promise<StoredBeaconBlock>
  byRoot(root: Hex): StoredBeaconBlock | undefined
  bySlot(slot: number): StoredBeaconBlock | undefined
  byL1Number(number: bigint): StoredBeaconBlock | undefined
  /** The blobs of a block, in its order: all, or those with the versioned hashes. */
  blobs(block: StoredBeaconBlock, versionedHashes: readonly Hex[] | undefined): Promise<readonly Hex[]>
}

/** The consensus layer of an L1 that has none: it gets its blocks from the L1 blocks. */
export interface FollowingBeaconChain extends BeaconChain {
  /** Appends the beacon block of the next L1 block. */
  append(l1: L1Block): Promise<StoredBeaconBlock>
  /** Drops the beacon blocks of all L1 blocks above this number. */
  rollback(l1Number: bigint): void
}

/** Seconds in a slot of the devnet's beacon chain. */
export const SECONDS_PER_SLOT = 1

/** Starts a beacon chain of an anvil with the block of `genesis`; blobs and finality are the anvil's. */
export async function createBeaconChain(l1Url: string, genesis: L1Block): Promise<FollowingBeaconChain> {
  const client = createPublicClient({ transport: http(l1Url, { batch: true }), cacheTime: 0 })
  const chainId = await client.getChainId()
  const blocks: StoredBeaconBlock[] = []

  const rawTransactions = (hashes: readonly Hex[]) =>
    Promise.all(
      hashes.map(async (hash) => {
        const raw: Hex | null = await client.request({
          method: 'eth_getRawTransactionByHash',
          params: [hash],
        } as never)
        if (raw === null)
          throw new DevnetError('beacon', `L1 has no transaction ${hash}, though it named it in a block`)
        return hexToBytes(raw)
      }),
    )

  const head = () => {
    const block = blocks.at(-1)
    if (!block) throw new DevnetError('beacon', 'got a chain without blocks, expected at least its genesis')
    return block
  }

  const append = async (l1: L1Block) => {
    const raws = await rawTransactions(l1.transactions)
    const transactions = raws.map(toIncludedTransaction)
    // Anvil's root covers the blobs too, where it has them.
    const roots = [orderedTrieRoot(transactions.map(({ raw }) => raw)), orderedTrieRoot(raws)]
    if (!roots.includes(l1.transactionsRoot)) {
      const message = `got transactions with root ${roots[0]}, expected ${l1.transactionsRoot}`
      throw new DevnetError('beacon', `${message} in L1 block ${l1.number}`)
    }
    const parent = blocks.at(-1)
    const slot = Number(l1.timestamp - genesis.timestamp) / SECONDS_PER_SLOT
    const beaconBlock = createBeaconBlock('fulu', {
      // Blocks that somebody made L1 mine by hand may share a second, but never a slot.
      slot: Math.max(slot, parent ? parent.message.slot + 1 : 0),
      parentRoot: parent ? hexToBytes(parent.root) : new Uint8Array(32),
      payload: l1BlockToPayload(l1, transactions),
      blobKzgCommitments: transactions.flatMap(({ commitments }) => [...commitments]),
    })
    const root = beaconBlockRoot(beaconBlock)
    const block = { ...beaconBlock, root, l1: { number: l1.number, hash: l1.hash } }
    blocks.push(block)
    return block
  }

  const blobs = async ({ l1 }: StoredBeaconBlock, versionedHashes: readonly Hex[] | undefined) => {
    const query = (versionedHashes ?? []).map((hash) => `versioned_hashes=${hash}`).join('&')
    // Anvil takes the number of an execution block for a slot.
    const answer = await fetch(new URL(`/eth/v1/beacon/blobs/${l1.number}?${query}`, l1Url), {
      headers: { accept: 'application/json' },
    })
    const { data } = (await answer.json()) as { data?: readonly Hex[] }
    if (data !== undefined) return data
    throw new DevnetError('beacon', `L1 answered ${answer.status} for the blobs of block ${l1.number}`)
  }

  const byL1Number = (number: bigint) => blocks.find((block) => block.l1.number === number)
  const genesisBlock = await append(genesis)
  const finalized = async () => {
    const { number } = await client.getBlock({ blockTag: 'finalized' })
    return byL1Number(number) ?? genesisBlock
  }
  return {
    chainId,
    genesisTime: genesis.timestamp,
    forkEpochs: { deneb: 0, electra: 0, fulu: 0 },
    append,
    rollback(l1Number) {
      while (head().l1.number > l1Number) blocks.pop()
    },
    head,
    genesis: () => genesisBlock,
    justified: finalized,
    finalized,
    byRoot: (root) => blocks.find((block) => block.root === root),
    bySlot: (slot) => blocks.find((block) => block.message.slot === slot),
    byL1Number,
    blobs,
  }
}
