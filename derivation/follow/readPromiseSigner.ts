import { type Address, createPublicClient, http } from 'viem'
import { systemConfigAbi } from '../../contracts/index.ts'
import { type Fetch, TemporaryFault } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'

/**
 * Makes the question to L1 who signs unsafe blocks: `quorum` of the L1 nodes must say the same.
 *
 * It throws `TemporaryFault` when fewer do.
 */
export function createPromiseSignerReader({
  urls,
  quorum = 1,
  rollup,
  fetchFn,
}: {
  urls: readonly string[]
  quorum?: number | undefined
  rollup: Pick<RollupConfig, 'l1SystemConfigAddress'>
  fetchFn?: Fetch
}): () => Promise<Address> {
  const clients = urls.map((url) =>
    createPublicClient({ transport: http(url, { retryCount: 1, timeout: 15_000, fetchFn }) }),
  )
  const call = {
    address: rollup.l1SystemConfigAddress,
    abi: systemConfigAbi,
    functionName: 'promiseSigner',
  } as const

  return async () => {
    const named: Address[] = []
    const votes = clients.map(async (client) => {
      const signer = (await client.readContract(call)).toLowerCase() as Address
      named.push(signer)
      if (named.filter((other) => other === signer).length >= quorum) return signer
      throw new TemporaryFault(`fewer than ${quorum} L1 nodes have named ${signer}`)
    })
    try {
      // Nobody waits for a node that hangs once enough have answered.
      return await Promise.any(votes)
    } catch (cause) {
      throw new TemporaryFault(
        `${named.length} of ${urls.length} L1 nodes answered SystemConfig.promiseSigner, expected ${quorum} that agree`,
        { cause },
      )
    }
  }
}
