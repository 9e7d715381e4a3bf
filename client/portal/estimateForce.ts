import type { Hex } from 'viem'
import { estimateContractGas } from 'viem/actions'
import { chooseFees, type FeeLimits } from '../../contracts/index.ts'
import { fromHex } from '../../protocol/index.ts'
import type { SendingClient } from '../SendingClient.ts'
import { assertPortal } from './assertPortal.ts'
import type { OfRollup } from './ForcingRollup.ts'
import { decodeForced, portalCall } from './portalCall.ts'

/** The raw set-config to force, and the most that it pays per gas: 500 gwei by default, of which 50 as a tip. */
export type ForceParameters = { raw: Hex; feeLimits?: FeeLimits }

/** What forcing a set-config costs; gas, and wei. */
export type ForceEstimate = {
  /** The gas limit: what is used, and a margin that is not charged. */
  gas: bigint
  /** The portal's price, 40 gas a byte, of which it burns what its work does not use; contained in `gas`. */
  burnedGas: bigint
  maxFeePerGas: bigint
  maxPriorityFeePerGas: bigint
  /** The most that it can cost: `gas` at `maxFeePerGas`. */
  cost: bigint
}

const GAS_PER_BYTE = 40n

/**
 * Nodes estimate within the newest block. The first deposit of a block writes a new entry and costs so much more than a
 * later one, which an estimate right after another deposit mistakes ours for.
 */
const NEW_ENTRY_GAS = 50_000n

/**
 * Estimates what forcing a set-config through the portal costs now (protocol.md §5.2).
 *
 * @throws {UndecodableSetConfigError} when the bytes are no set-config of the rollup; {InvalidHexError} when they are no hex.
 * @throws {WrongL1Error} and {PortalAbsentError} when the client's chain is not the rollup's L1.
 * @throws {FeeCeilingError} when L1 asks for more than the limits allow.
 */
export async function estimateForce(
  client: SendingClient,
  { rollup, raw, feeLimits }: ForceParameters & OfRollup,
): Promise<ForceEstimate> {
  decodeForced(rollup, raw)
  await assertPortal(client, rollup)
  const [used, fees] = await Promise.all([
    // Without the fees that viem would name: not every node estimates a call that does.
    estimateContractGas(client, { ...portalCall(rollup, raw), account: client.account, prepare: false }),
    chooseFees(client, feeLimits),
  ])
  const gas = used + NEW_ENTRY_GAS
  const { maxFeePerGas, maxPriorityFeePerGas } = fees
  const burnedGas = GAS_PER_BYTE * BigInt(fromHex(raw).length)
  return { gas, burnedGas, maxFeePerGas, maxPriorityFeePerGas, cost: gas * maxFeePerGas }
}
