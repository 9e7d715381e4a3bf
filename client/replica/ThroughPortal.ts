import type { Address } from 'viem'
import type { OnReplica } from './OnReplica.ts'

/** The way from the OutputBridge on one chain to the replica on a chain above it. */
export type ThroughPortal = OnReplica & {
  /** As `getOutputBridge` tells it; the same on every chain. */
  outputBridge: Address
  /** The OptimismPortal of the replica's chain. Another chain's takes the output where no replica stands. */
  portal: Address
  /** Of the replica's call on its chain, which the portal charges for; 200,000 by default. */
  depositGas?: bigint
}

/** More than twice what `receiveOutput` uses (docs/gas.md). */
export const DEPOSIT_GAS = 200_000n
