import { createPublicClient, type Hex, hexToBigInt, http, numberToHex } from 'viem'
import type { FollowingBeaconChain } from './BeaconChain.ts'
import type { L1Follower } from './followL1.ts'
import type { OpChain } from './OpChain.ts'
import { readDeposits } from './OptimismPortal.ts'

/**
 * Keeps the beacon chain and the OP-like chains in step with L1: one block of each per L1 block. The L1 block is the
 * origin of the OP blocks, which take its deposits, and the root of the beacon block before it is what their EIP-4788 contracts get, as in L1
 * headers.
 */
export function keepInStep(options: {
  l1Url: string
  beacon: FollowingBeaconChain
  chains: readonly OpChain[]
}): L1Follower {
  const { l1Url, beacon, chains } = options
  const client = createPublicClient({ transport: http(l1Url), cacheTime: 0 })

  const blobBaseFeeAt = async (blockNumber: bigint): Promise<bigint> => {
    const params = ['0x1', numberToHex(blockNumber), []]
    const history: { baseFeePerBlobGas?: readonly Hex[] } = await client.request({
      method: 'eth_feeHistory',
      params,
    } as never)
    return hexToBigInt(history.baseFeePerBlobGas?.[0] ?? '0x1')
  }

  return {
    async onBlock(l1) {
      const parentBeaconBlockRoot = beacon.head().root
      await beacon.append(l1)
      const attributes = {
        number: l1.number,
        timestamp: l1.timestamp,
        hash: l1.hash,
        baseFee: l1.baseFeePerGas ?? 0n,
        blobBaseFee: await blobBaseFeeAt(l1.number),
        sequenceNumber: 0n,
      }
      await Promise.all(
        chains.map(async (chain) => {
          // Blocks that somebody made L1 mine by hand may share a second; an OP chain's never do.
          const earliest = (await chain.headTimestamp()) + 1n
          const timestamp = l1.timestamp > earliest ? l1.timestamp : earliest
          const { portal } = chain
          const deposits = portal === undefined ? [] : await readDeposits(client, portal, l1.hash)
          await chain.mine({ timestamp, l1: attributes, parentBeaconBlockRoot, deposits })
        }),
      )
    },
    async onReorg(number) {
      const depth = Number(beacon.head().l1.number - number)
      beacon.rollback(number)
      await Promise.all(chains.map((chain) => chain.rollback(depth)))
    },
  }
}
