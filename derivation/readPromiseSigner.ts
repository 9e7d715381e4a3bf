import { type Address, createPublicClient, http } from 'viem'
import { systemConfigAbi } from '../contracts/index.ts'
import { type Fetch, TemporaryFault } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'

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
    const answers = await Promise.allSettled(clients.map((client) => client.readContract(call)))
    const named = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []))
    const agreed = named.find((address) => named.filter((other) => other === address).length >= quorum)
    if (agreed !== undefined) return agreed.toLowerCase() as Address
    const failure = answers.find((answer) => answer.status === 'rejected')
    throw new TemporaryFault(
      `${named.length} of ${urls.length} L1 nodes answered SystemConfig.promiseSigner, expected ${quorum} that agree`,
      { cause: failure?.reason },
    )
  }
}
