import { type Address, createPublicClient, fallback, http } from 'viem'
import { batchInboxAbi, outputOracleAbi, systemConfigAbi } from '../../contracts/index.ts'
import { type Fetch, TemporaryFault } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'

/** What the sequencer asks the rollup's L1 contracts; every method throws `TemporaryFault` when L1 does not answer. */
export interface L1Contracts {
  promiseSigner(): Promise<Address>
  batcher(): Promise<Address>
  proposer(): Promise<Address>
  /** Counts the batcher's submissions. */
  submissionCount(): Promise<bigint>
  /** Reads which rollup block the next output must be of. */
  nextOutputBlock(): Promise<bigint>
}

/** Makes a reader of the contracts that a rollup config names. */
export function createL1Contracts(
  urls: readonly string[],
  rollup: RollupConfig,
  fetchFn?: Fetch,
): L1Contracts {
  const client = createPublicClient({
    transport: fallback(urls.map((url) => http(url, { retryCount: 1, timeout: 15_000, fetchFn }))),
  })
  const { l1SystemConfigAddress, batchInboxAddress, outputOracleAddress } = rollup

  async function ask<T>(what: string, question: Promise<T>): Promise<T> {
    try {
      return await question
    } catch (cause) {
      throw new TemporaryFault(`L1 did not answer ${what}; is the rollup config's address right?`, { cause })
    }
  }

  /** In lower case. */
  async function named(role: 'promiseSigner' | 'batcher' | 'proposer'): Promise<Address> {
    const question = client.readContract({
      address: l1SystemConfigAddress,
      abi: systemConfigAbi,
      functionName: role,
    })
    return (await ask(`SystemConfig.${role}`, question)).toLowerCase() as Address
  }

  return {
    promiseSigner: () => named('promiseSigner'),
    batcher: () => named('batcher'),
    proposer: () => named('proposer'),
    submissionCount: () =>
      ask(
        'BatchInbox.submissionCount',
        client.readContract({
          address: batchInboxAddress,
          abi: batchInboxAbi,
          functionName: 'submissionCount',
        }),
      ),
    nextOutputBlock: () =>
      ask(
        'OutputOracle.nextBlockNumber',
        client.readContract({
          address: outputOracleAddress,
          abi: outputOracleAbi,
          functionName: 'nextBlockNumber',
        }),
      ),
  }
}
