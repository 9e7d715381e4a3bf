import { BlockNotFoundError, createPublicClient, http } from 'viem'
import { sleep } from '../node/index.ts'
import type { L1Block } from './BeaconBlock.ts'
import { DevnetError } from './DevnetError.ts'

/** What to do as L1 moves. */
export type L1Follower = {
  /** Takes the next block; called for every block, in order, one at a time. */
  onBlock(block: L1Block): Promise<void>
  /** L1 dropped every block above this number; called before the blocks that replace them. */
  onReorg(number: bigint): Promise<void>
}

const POLL_INTERVAL = 100
const REMEMBERED_BLOCKS = 1024

/**
 * Follows L1 from the child of `from` until aborted, block by block, however many come between two polls.
 *
 * @throws {DevnetError} when L1 reorganises deeper than what is remembered, or whatever the follower throws.
 */
export async function followL1(options: {
  l1Url: string
  from: L1Block
  follower: L1Follower
  signal: AbortSignal
}): Promise<void> {
  const { l1Url, from, follower, signal } = options
  const client = createPublicClient({ transport: http(l1Url), cacheTime: 0 })
  let chain = [from]
  while (!signal.aborted) {
    const head = await client.getBlock()
    const tip = chain.at(-1) ?? from
    const isCurrent = head.hash === tip.hash
    if (isCurrent) {
      await sleep(POLL_INTERVAL, signal)
      continue
    }
    const next = head.number === tip.number + 1n ? head : await readBlock(tip.number + 1n)
    if (next?.parentHash === tip.hash) {
      await follower.onBlock(next)
      chain = [...chain.slice(1 - REMEMBERED_BLOCKS), next]
    } else if (!(await isCanonical(tip))) {
      chain = await dropOrphans(chain)
      await follower.onReorg((chain.at(-1) ?? from).number)
    }
  }

  /** L1 may drop it at any moment: only the answer itself tells whether it is there. */
  async function readBlock(blockNumber: bigint): Promise<L1Block | undefined> {
    try {
      return await client.getBlock({ blockNumber })
    } catch (error) {
      if (error instanceof BlockNotFoundError) return undefined
      throw error
    }
  }

  async function isCanonical(block: L1Block): Promise<boolean> {
    return (await readBlock(block.number))?.hash === block.hash
  }

  async function dropOrphans(blocks: readonly L1Block[]): Promise<L1Block[]> {
    for (let length = blocks.length - 1; length > 0; length--) {
      const tip = blocks[length - 1]
      if (tip && (await isCanonical(tip))) return blocks.slice(0, length)
    }
    throw new DevnetError('follower', `L1 dropped all of the last ${blocks.length} blocks`)
  }
}
