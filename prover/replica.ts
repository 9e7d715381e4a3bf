import type { Address, Client, ContractFunctionArgs, ContractFunctionReturnType } from 'viem'
import { readContract } from 'viem/actions'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import { answered, isNoData, isRevert } from './ask.ts'
import { ReplicaAbsentError } from './errors.ts'

/** The argument of the replica's `updateRoot`. */
export type OutputProof = ContractFunctionArgs<typeof keystoreReplicaAbi, 'nonpayable', 'updateRoot'>[0]

/** The first argument of the replica's `confirm` and `confirmSigned`. */
export type ConfigProof = ContractFunctionArgs<typeof keystoreReplicaAbi, 'nonpayable', 'confirm'>[0]

/** An output as a replica knows it; `l1Timestamp` is 0 when it does not. */
export type ReplicaRoot = ContractFunctionReturnType<typeof keystoreReplicaAbi, 'view', 'root'>

/**
 * Reads what a replica knows about an output.
 *
 * @throws {ReplicaAbsentError} when none stands there.
 */
export function getReplicaRoot(
  l2: Client,
  replica: Address,
  source: Address,
  outputIndex: bigint,
): Promise<ReplicaRoot> {
  const contract = { address: replica, abi: keystoreReplicaAbi, functionName: 'root' } as const
  return byReplica(replica, 'root', readContract(l2, { ...contract, args: [source, outputIndex] }))
}

/**
 * Reads from when on a replica takes proofs from a source, seconds of its chain: 0 if never, 1 if it was deployed with it.
 *
 * @throws {ReplicaAbsentError} when none stands there.
 */
export function getSourceActiveAt(l2: Client, replica: Address, source: Address): Promise<number> {
  const contract = { address: replica, abi: keystoreReplicaAbi, functionName: 'activeAt' } as const
  return byReplica(replica, 'activeAt', readContract(l2, { ...contract, args: [source] }))
}

/** What a replica was deployed with; times are seconds. */
export type ReplicaParameters = {
  outputOracle: Address
  challengePeriod: number
  minRecoveryDelay: number
  l2ChainId: bigint
  /** As whom the OutputBridge calls, and the source of what it sent. */
  outputBridgeAlias: Address
}

/**
 * Reads what a replica was deployed with.
 *
 * @throws {ReplicaAbsentError} when none stands there.
 */
export async function getReplicaParameters(l2: Client, replica: Address): Promise<ReplicaParameters> {
  const read = <name extends keyof ReplicaParameters>(functionName: name) =>
    byReplica(
      replica,
      functionName,
      readContract(l2, { address: replica, abi: keystoreReplicaAbi, functionName }),
    )
  const [outputOracle, challengePeriod, minRecoveryDelay, l2ChainId, outputBridgeAlias] = await Promise.all([
    read('outputOracle'),
    read('challengePeriod'),
    read('minRecoveryDelay'),
    read('l2ChainId'),
    read('outputBridgeAlias'),
  ])
  return { outputOracle, challengePeriod, minRecoveryDelay, l2ChainId, outputBridgeAlias }
}

/** Awaits an answer of a replica; none of its readers ever reverts. */
async function byReplica<T>(replica: Address, question: string, reading: Promise<T>): Promise<T> {
  try {
    return await answered('L2 node', question, reading)
  } catch (cause) {
    throw isNoData(cause) || isRevert(cause) ? new ReplicaAbsentError(replica, { cause }) : cause
  }
}
