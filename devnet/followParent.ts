import { createPublicClient, type Hex, http, zeroHash } from 'viem'
import type { L1Follower } from './followL1.ts'
import type { OpChain } from './OpChain.ts'
import { readDeposits } from './OptimismPortal.ts'

/**
 * Keeps an OP-like L3 in step with the L2 below it: one block per block of its parent, which is what its L1Block predeploy
 * names, with the deposits of it. Follow the parent as others follow L1.
 */
export function followParent(chain: OpChain, parentUrl: string): L1Follower {
  const client = createPublicClient({ transport: http(parentUrl), cacheTime: 0 })
  let head = 0n
  return {
    async onBlock(parent) {
      const { portal } = chain
      const deposits = portal === undefined ? [] : await readDeposits(client, portal, parent.hash)
      const earliest = (await chain.headTimestamp()) + 1n
      await chain.mine({
        timestamp: parent.timestamp > earliest ? parent.timestamp : earliest,
        l1: {
          number: parent.number,
          timestamp: parent.timestamp,
          hash: parent.hash,
          baseFee: parent.baseFeePerGas ?? 0n,
          blobBaseFee: 1n,
          sequenceNumber: 0n,
        },
        parentBeaconBlockRoot: NO_BEACON_ROOT,
        deposits,
      })
      head = parent.number
    },
    async onReorg(number) {
      await chain.rollback(Number(head - number))
      head = number
    },
  }
}

/** Anvil's headers have none for an L3 to pass on. */
const NO_BEACON_ROOT: Hex = zeroHash
