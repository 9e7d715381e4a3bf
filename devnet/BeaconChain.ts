import { bytesToHex, createPublicClient, type Hex, hexToBytes, http } from 'viem'
import { orderedTrieRoot } from '../protocol/index.ts'
import {
  type BeaconBlock,
  beaconBlockRoot,
  createBeaconBlock,
  type L1Block,
  toIncludedTransaction,
} from './BeaconBlock.ts'
import { DevnetError } from './DevnetError.ts'

/** A beacon block with what is asked of it. */
export type StoredBeaconBlock = { root: Hex; message: BeaconBlock; l1: { number: bigint; hash: Hex } }

/** The consensus layer of an L1 that has none: one beacon block per L1 block. */
export interface BeaconChain {
  /** Seconds; slot 0. A slot lasts one second, so each L1 block has its own, and slots without a block are missed ones. */
  readonly genesisTime: bigint
  /** Appends the beacon block of the next L1 block. */
  append(l1: L1Block): Promise<StoredBeaconBlock>
  /** Drops the beacon blocks of all L1 blocks above this number. */
  rollback(l1Number: bigint): void
  head(): StoredBeaconBlock
  genesis(): StoredBeaconBlock
  byRoot(root: Hex): StoredBeaconBlock | undefined
  bySlot(slot: number): StoredBeaconBlock | undefined
  byL1Number(number: bigint): StoredBeaconBlock | undefined
}

/** Seconds in a slot of the devnet's beacon chain. */
export const SECONDS_PER_SLOT = 1

/** Starts a beacon chain with the block of `genesis`. */
export async function createBeaconChain(l1Url: string, genesis: L1Block): Promise<BeaconChain> {
  const client = createPublicClient({ transport: http(l1Url, { batch: true }), cacheTime: 0 })
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
    const message = createBeaconBlock(l1, transactions, {
      // Blocks that somebody made L1 mine by hand may share a second, but never a slot.
      slot: Math.max(slot, parent ? parent.message.slot + 1 : 0),
      parentRoot: parent ? hexToBytes(parent.root) : new Uint8Array(32),
    })
    const block = {
      root: bytesToHex(beaconBlockRoot(message)),
      message,
      l1: { number: l1.number, hash: l1.hash },
    }
    blocks.push(block)
    return block
  }

  await append(genesis)
  return {
    genesisTime: genesis.timestamp,
    append,
    rollback(l1Number) {
      while (head().l1.number > l1Number) blocks.pop()
    },
    head,
    genesis: () => blocks[0] ?? head(),
    byRoot: (root) => blocks.find((block) => block.root === root),
    bySlot: (slot) => blocks.find((block) => block.message.slot === slot),
    byL1Number: (number) => blocks.find((block) => block.l1.number === number),
  }
}
