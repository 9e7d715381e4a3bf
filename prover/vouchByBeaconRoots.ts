import { type Address, type Client, encodeAbiParameters, type Hex, numberToHex, pad } from 'viem'
import { getBlock } from 'viem/actions'
import { answered, ask, isRevert } from './ask.ts'
import { getBeaconBlock } from './BeaconBlock.ts'
import {
  LaggingError,
  NotVouchedError,
  UnfitSourceError,
  UnknownForkError,
  WrongAnswerError,
} from './errors.ts'
import { isStoredCheckpoint } from './isStoredCheckpoint.ts'
import { createSszBranch, rootFromSszBranch, type SszBranch } from './SszBranch.ts'
import type { VouchedBlock } from './VouchedBlock.ts'

/** A period of slots, and the generalized index at which beacon blocks in it name the L1 block hash. */
type SchedulePeriod = { fromSlot: bigint; untilSlot: bigint; index: bigint }

const BEACON_ROOTS_ADDRESS: Address = '0x000f3df6d732807ef1319fb7b8bb8522d0beac02'
const SLOT_INDEX = 8n

const PROOF_PARAMETERS = [
  { name: 'timestamp', type: 'uint64' },
  { name: 'beaconRoot', type: 'bytes32' },
  { name: 'slot', type: 'uint64' },
  { name: 'slotProof', type: 'bytes32[]' },
  { name: 'blockHashProof', type: 'bytes32[]' },
] as const

/**
 * Takes the beacon root that the chain's EIP-4788 contract holds for its newest block, or one that the source stored at
 * a checkpoint, and proves the L1 block hash that the beacon block names.
 *
 * The former is good for some hours: the contract keeps 8,191 roots.
 *
 * @throws {NotVouchedError} when no checkpoint stored the root.
 * @throws {UnfitSourceError} when the chain has no EIP-4788 contract.
 * @throws {LaggingError} when the contract does not hold a root for the newest block's time (yet).
 * @throws {UnknownForkError} when the source's schedule has no period for the beacon block's slot, or an index that does not fit it.
 */
export async function vouchByBeaconRoots({
  l2,
  beaconUrl,
  source,
  schedule,
  checkpoint,
}: {
  l2: Client
  beaconUrl: string
  source: Address
  schedule: readonly SchedulePeriod[]
  checkpoint: Hex | undefined
}): Promise<VouchedBlock> {
  const { root, timestamp } =
    checkpoint === undefined
      ? await newestBeaconRoot(l2, source)
      : { root: await storedBeaconRoot(l2, source, checkpoint), timestamp: 0n }
  const { slot, tree } = await getBeaconBlock(beaconUrl, root)
  const period = schedule.find(({ fromSlot, untilSlot }) => fromSlot <= slot && slot < untilSlot)
  if (period === undefined) {
    throw new UnknownForkError(`got a beacon block of slot ${slot}, which the schedule of ${source} refuses`)
  }

  const slotBranch = checkedBranch(createSszBranch(tree, SLOT_INDEX), SLOT_INDEX, root)
  const hashBranch = checkedBranch(createSszBranch(tree, period.index), period.index, root)
  const sourceProof = encodeAbiParameters(PROOF_PARAMETERS, [
    timestamp,
    root,
    slot,
    slotBranch.siblings,
    hashBranch.siblings,
  ])
  return { hash: hashBranch.leaf, sourceProof, isFleeting: false }
}

async function newestBeaconRoot(l2: Client, source: Address): Promise<{ root: Hex; timestamp: bigint }> {
  const { timestamp } = await answered('L2 node', 'its newest block', getBlock(l2))
  const call = { to: BEACON_ROOTS_ADDRESS, data: pad(numberToHex(timestamp)) }
  const lagging = (options?: ErrorOptions) =>
    new LaggingError('L2 node', `its EIP-4788 contract has no beacon root for time ${timestamp}`, options)
  let root: unknown
  try {
    root = await ask('L2 node', l2, 'eth_call', [call, 'latest'])
  } catch (cause) {
    // The contract reverts for a time that it does not hold, as where the node asked now is a block behind.
    throw isRevert(cause) ? lagging({ cause }) : cause
  }
  if (typeof root === 'string' && /^0x[0-9a-f]{64}$/i.test(root)) {
    return { root: root.toLowerCase() as Hex, timestamp }
  }
  if (root === '0x') throw new UnfitSourceError('BeaconRootsSource', source, 'it has no EIP-4788 contract')
  throw lagging()
}

async function storedBeaconRoot(l2: Client, source: Address, checkpoint: Hex): Promise<Hex> {
  if (await isStoredCheckpoint(l2, source, checkpoint)) return checkpoint
  throw new NotVouchedError(source, checkpoint)
}

/** The tree is the library's, the branch our own: neither is believed before they meet in the root. */
function checkedBranch(branch: SszBranch, index: bigint, root: Hex): SszBranch {
  const computed = rootFromSszBranch(branch, index)
  if (computed === root) return branch
  throw new WrongAnswerError(
    'beacon node',
    `the branch to ${index} leads to ${computed}, expected the root ${root}`,
  )
}
