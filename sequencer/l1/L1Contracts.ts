import type { Address, PublicClient } from 'viem'
import { batchInboxAbi, outputOracleAbi, systemConfigAbi } from '../../contracts/index.ts'
import { CriticalFault, TemporaryFault } from '../../node/index.ts'
import type { RollupConfig } from '../../protocol/index.ts'
import type { L1Nodes } from './L1Nodes.ts'

/** What the sequencer asks the rollup's L1 contracts; every method throws `TemporaryFault` when L1 does not answer. */
export interface L1Contracts {
  /** Reads who signs promises, as of L1's newest block, which is at least `atLeast`; in lower case. */
  promiseSigner(atLeast: bigint): Promise<Address>
  batcher(): Promise<Address>
  proposer(): Promise<Address>
  /** Counts the batcher's submissions. */
  submissionCount(): Promise<bigint>
  /** Reads which rollup block the next output must be of. */
  nextOutputBlock(): Promise<bigint>
}

/**
 * Makes a reader of the contracts that a rollup config names. `readPromiseSigner` must not depend on the word of an L1 node: a wrong
 * signer would be written down in place of the one whose promises are missing (ADR 18).
 */
export function createL1Contracts(
  nodes: L1Nodes,
  rollup: RollupConfig,
  readPromiseSigner: L1Contracts['promiseSigner'],
): L1Contracts {
  const { l1SystemConfigAddress, batchInboxAddress, outputOracleAddress } = rollup

  async function ask<T>(what: string, question: (node: PublicClient) => Promise<T>): Promise<T> {
    try {
      return await nodes.ask(question)
    } catch (cause) {
      if (cause instanceof CriticalFault) throw cause
      const reason = cause instanceof Error ? cause.message : String(cause)
      const advice = /returned no data/.test(reason) ? "; is the rollup config's address right?" : ''
      throw new TemporaryFault(`${what}: ${reason}${advice}`)
    }
  }

  /** In lower case. */
  async function named(role: 'batcher' | 'proposer'): Promise<Address> {
    const call = { address: l1SystemConfigAddress, abi: systemConfigAbi, functionName: role } as const
    const named = await ask(`SystemConfig.${role}`, (node) => node.readContract(call))
    return named.toLowerCase() as Address
  }

  return {
    promiseSigner: readPromiseSigner,
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
