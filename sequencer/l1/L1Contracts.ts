import type { Address, PublicClient } from 'viem'
import { batchInboxAbi, outputOracleAbi, systemConfigAbi } from '../../contracts/index.ts'
import { TemporaryFault } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'
import type { L1Nodes } from './L1Nodes.ts'

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
export function createL1Contracts(nodes: L1Nodes, rollup: RollupConfig): L1Contracts {
  const { l1SystemConfigAddress, batchInboxAddress, outputOracleAddress } = rollup

  async function ask<T>(what: string, question: (node: PublicClient) => Promise<T>): Promise<T> {
    try {
      return await nodes.ask(question)
    } catch (cause) {
      throw new TemporaryFault(`L1 did not answer ${what}; is the rollup config's address right?`, { cause })
    }
  }

  /** In lower case. */
  async function named(role: 'promiseSigner' | 'batcher' | 'proposer'): Promise<Address> {
    const call = { address: l1SystemConfigAddress, abi: systemConfigAbi, functionName: role } as const
    const named = await ask(`SystemConfig.${role}`, (node) => node.readContract(call))
    return named.toLowerCase() as Address
  }

  return {
    promiseSigner: () => named('promiseSigner'),
    batcher: () => named('batcher'),
    proposer: () => named('proposer'),
    submissionCount: () =>
      ask('BatchInbox.submissionCount', (node) =>
        node.readContract({
          address: batchInboxAddress,
          abi: batchInboxAbi,
          functionName: 'submissionCount',
        }),
      ),
    nextOutputBlock: () =>
      ask('OutputOracle.nextBlockNumber', (node) =>
        node.readContract({
          address: outputOracleAddress,
          abi: outputOracleAbi,
          functionName: 'nextBlockNumber',
        }),
      ),
  }
}
