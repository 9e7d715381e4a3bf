import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createClient,
  ExecutionRevertedError,
  type Hash,
  type Hex,
  InsufficientFundsError,
  isAddressEqual,
  type LocalAccount,
  type TransactionReceipt,
} from 'viem'
import { getBlock, getTransactionCount, readContract } from 'viem/actions'
import { FeeCeilingError, type FeeLimits, findCheckpoint, replicaActions } from '../client/index.ts'
import { keystoreReplicaAbi } from '../contracts/index.ts'
import type { KeyrollError } from '../protocol/index.ts'
import {
  answered,
  createProver,
  LaggingError,
  NotVouchedError,
  OutputNotFinalError,
  type ProveConfigParameters,
  type ProvenOutput,
  RootFinalizedError,
  UnansweredError,
  WrongAnswerError,
} from '../prover/index.ts'
import { awaitReceipt } from './awaitReceipt.ts'
import { CliError } from './CliError.ts'
import { createPayer } from './createPayer.ts'
import { describeError } from './describeError.ts'
import { httpTransport } from './httpTransport.ts'
import { sendByBridge } from './RelayerByBridge.ts'
import { type Commit, waitFor } from './waitFor.ts'

/** A liar goes on lying. */
const MAX_WRONG_ANSWERS = 3
/** Each costs a transaction. */
const MAX_RENEWALS = 3
/** Nothing that a proof needs changes more often, and each question may cost a beacon block. */
const L1_SLOT_MS = 12_000

/** Whom a relayer asks, to which replica it carries proofs, and who pays. */
export type RelayerOptions = {
  l1Url: string
  /** Needed for sources that start from beacon roots. */
  beaconUrl: string | undefined
  /** Needed for an L3: JSON-RPC of the chain below it. */
  parentUrl?: string | undefined
  /** Needed for the bridge to an L2 or L3: the OptimismPortal of the replica's chain, on the chain below it. */
  portal?: Address | undefined
  keyrollUrl: string
  chainUrl: string
  replica: Address
  account: LocalAccount
  /** The most that a transaction pays per gas; the client's default without. */
  feeLimits?: FeeLimits | undefined
  /** Milliseconds until a proof that cannot be made yet is given up. */
  timeout: number
  /** Milliseconds that a checkpoint may be missing before another is paid for; a slot of L1 without. */
  renewAfter?: number | undefined
  signal: AbortSignal
  /** Is told once for each wait what it is for. */
  tell?: ((text: string) => void) | undefined
}

/** Carries proofs from L1 to one replica. */
export interface Relayer {
  /**
   * Proves an output, or has the OutputBridge send it when the source is that one's alias; waits for its challenge period
   * when it shall be final.
   *
   * @returns Undefined when the replica knows it already, or by somebody else who was faster.
   */
  updateRoot(root: WantedRoot): Promise<TransactionReceipt | undefined>
  /** Confirms the config of a keystore for an account from an output that the replica knows. */
  confirm(config: ProveConfigParameters): Promise<TransactionReceipt>
}

/** An output that a replica shall know by a source. */
type WantedRoot = { source: Address; outputIndex: bigint; final: boolean }

/** Creates the relayer of a replica, which pays on the chain that its node names now. */
export async function createRelayer(options: RelayerOptions): Promise<Relayer> {
  const { l1Url, beaconUrl, parentUrl, portal, keyrollUrl, chainUrl, replica } = options
  const { account, feeLimits, timeout, signal, renewAfter = L1_SLOT_MS } = options
  const payer = await createPayer(chainUrl, account)
  const chain = payer.extend(replicaActions({ replica, ...(feeLimits && { feeLimits }) }))
  const contract = { address: replica, abi: keystoreReplicaAbi } as const
  const l1 = createClient({ transport: httpTransport(l1Url) })
  const prover = createProver({
    l1,
    l2: chain,
    ...(parentUrl !== undefined && { parent: createClient({ transport: httpTransport(parentUrl) }) }),
    keyroll: createClient({ transport: httpTransport(keyrollUrl) }),
    beaconUrl,
    replica,
  })

  const receiptOf = (hash: Hash): Promise<TransactionReceipt> => awaitReceipt(chain, { hash })

  /** What lags now may have caught up a block later; and who was asked between two blocks may mix their answers. */
  const patiently = async <T>(
    what: string,
    make: (commit: Commit) => Promise<T | undefined>,
    isCurable: (error: unknown) => error is Error = isPassing,
  ): Promise<T> => {
    let wrongAnswers = 0
    let lag: Error | undefined
    let isTold = false
    try {
      return await waitFor(what, { timeout, signal, longest: L1_SLOT_MS }, async (commit) => {
        try {
          const made = await make(commit)
          lag = undefined
          return made
        } catch (error) {
          const isMixed = error instanceof WrongAnswerError && ++wrongAnswers < MAX_WRONG_ANSWERS
          if (!isMixed && !isCurable(error)) throw error
          lag = error
          if (!isTold)
            options.tell?.(`waiting up to ${timeout / 1000} s for ${what}. ${describeError(error)}`)
          isTold = true
          return undefined
        }
      })
    } catch (error) {
      if (error instanceof CliError && lag)
        throw new CliError(`${error.message}. ${lag.message}`, { cause: lag.cause ?? lag })
      throw error
    }
  }

  const checkpoint = async (source: Address): Promise<Hex> => {
    // Where the chain went back, transactions before it may be gone.
    chain.account.nonceManager?.reset({ address: account.address, chainId: chain.chain.id })
    const { logs } = await receiptOf(await chain.checkpoint({ source }))
    const stored = findCheckpoint(source, logs)
    if (stored === undefined) throw new CliError(`the source ${source} logged no checkpoint`)
    return stored
  }

  /** A transaction may have been taken though the answer was lost: until it is in a block, another would be paid for too. */
  const requireNoneWaits = async () => {
    const { address } = account
    const counting = (['latest', 'pending'] as const).map((blockTag) =>
      getTransactionCount(chain, { address, blockTag }),
    )
    const [mined = 0, pending = 0] = await answered('L2 node', 'transaction counts', Promise.all(counting))
    if (pending > mined) throw new LaggingError('L2 node', `a transaction of ${address} waits`)
  }

  /** What was vouched for when it was proven may not be when it is sent: then it is proven again. */
  const send = async (proven: ProvenOutput): Promise<Hash> => {
    try {
      return await chain.updateRoot(proven)
    } catch (error) {
      if (revertName(error) !== 'L1BlockHashNotVouched') throw error
      throw new NotVouchedError(proven.proof.source, proven.l1Block.hash)
    }
  }

  /** Proves an output; not while it cannot be final, if it shall be, but once before that: mistakes are known at once. */
  const createPatientProof = ({ source, outputIndex, final }: WantedRoot) => {
    let finalAt = 0n
    return async (checkpoint?: Hex): Promise<ProvenOutput> => {
      if (finalAt > 0n) {
        const { timestamp } = await answered('L1 node', 'its newest block', getBlock(l1))
        if (timestamp < finalAt) throw new OutputNotFinalError(outputIndex, finalAt, timestamp)
      }
      const from = checkpoint === undefined ? {} : { checkpoint }
      const proven = await prover.proveOutput({ source, outputIndex, ...from })
      if (proven.isFinal || !final) return proven
      const reading = readContract(chain, { ...contract, functionName: 'challengePeriod' })
      const challengePeriod = BigInt(await answered('L2 node', 'challengePeriod', reading))
      finalAt = proven.proof.output.l1Timestamp + challengePeriod
      throw new OutputNotFinalError(outputIndex, finalAt, proven.l1Block.timestamp)
    }
  }

  /** Whether the replica knows what is proven, or has it from an L1 block that is not older. */
  const isKnown = async ({ source, outputIndex, final }: WantedRoot, proven: ProvenOutput) => {
    const root = await answered('L2 node', 'root', chain.getRoot({ source, outputIndex }))
    if (root === undefined || root.finalized) return root !== undefined
    if (final) return false
    if (root.l1BlockNumber >= proven.l1Block.number) return true
    const { keystoreRoot, l1Timestamp, l2BlockNumber } = proven.proof.output
    const isSame =
      root.keystoreRoot === keystoreRoot &&
      BigInt(root.l1Timestamp) === l1Timestamp &&
      BigInt(root.l2BlockNumber) === l2BlockNumber
    return isSame && !proven.isFinal
  }

  /** Reports an output that was deleted meanwhile: the replica will not know it, however long one waits. */
  const requireNotAbsent = async ({ source, outputIndex }: WantedRoot, { l1Block }: ProvenOutput) => {
    const reading = readContract(chain, { ...contract, functionName: 'root', args: [source, outputIndex] })
    const { l1Timestamp, l1BlockNumber } = await answered('L2 node', 'root', reading)
    if (l1Timestamp !== 0 || l1BlockNumber < l1Block.number) return
    throw new CliError(
      `the proof had no effect: as of L1 block ${l1BlockNumber}, the replica knows that output ${outputIndex} was deleted`,
    )
  }

  /** Sends a proof, from a checkpoint if need be; undefined when none is needed, or somebody else's came first. */
  const prove = async (wanted: WantedRoot): Promise<TransactionReceipt | undefined> => {
    const { source, outputIndex, final } = wanted
    const what = `a proof of ${final ? 'final ' : ''}output ${outputIndex}`
    const proveNow = createPatientProof(wanted)
    const first = await patiently(what, async () => {
      const made = await proveNow()
      return (await isKnown(wanted, made)) ? 'not needed' : made
    })
    if (first === 'not needed') return undefined
    let proven = first
    let stored = proven.isFleeting ? await checkpoint(source) : undefined
    let isUnsent = stored === undefined
    let missingSince: number | undefined
    let renewals = 0

    const attempt = async (commit: Commit): Promise<Hash | 'not needed' | undefined> => {
      if (stored !== undefined) await requireNoneWaits()
      if (await isKnown(wanted, proven)) return 'not needed'
      try {
        if (!isUnsent) proven = await proveNow(stored)
        isUnsent = false
        commit()
        return await send(proven)
      } catch (error) {
        const isMissing = stored !== undefined && error instanceof NotVouchedError
        missingSince = isMissing ? (missingSince ?? Date.now()) : undefined
        // A node may be behind the transaction that made the checkpoint; later, the chain has gone back behind it.
        const isLost = missingSince !== undefined && Date.now() - missingSince >= renewAfter
        if (!isLost || renewals === MAX_RENEWALS) throw error
        commit()
        // Whether or not it is answered.
        renewals++
        stored = await checkpoint(source)
        missingSince = undefined
        return undefined
      }
    }
    // What a checkpoint was paid for is not given up for a failure of the node, or a price that may fall.
    const sent = await patiently(
      what,
      (commit) =>
        attempt(commit).catch((error) => {
          const isFault = error instanceof BaseError && !isLasting(error)
          throw isFault && stored
            ? new UnansweredError('L2 node', 'the transaction', { cause: error })
            : error
        }),
      (error) => isPassing(error) || (error instanceof FeeCeilingError && stored !== undefined),
    )
    if (sent === 'not needed') return undefined
    const receipt = await receiptOf(sent)
    // It has no effect where the replica had learnt it meanwhile, or something later.
    await patiently(`the replica to know output ${outputIndex}`, async () => {
      if (await isKnown(wanted, proven)) return true
      await requireNotAbsent(wanted, proven)
      return undefined
    })
    return receipt
  }

  return {
    async updateRoot(wanted) {
      const { source, outputIndex, final } = wanted
      const bridge = await chain.getOutputBridge()
      try {
        if (!isAddressEqual(source, bridge.source)) return await prove(wanted)
        if (!final) throw new CliError('the bridge sends final outputs only: leave out --proposed')
        const asked = { l1Url, parentUrl, portal, replica, chain, prover }
        return await sendByBridge({ ...asked, account, feeLimits, patiently }, outputIndex)
      } catch (error) {
        if (error instanceof RootFinalizedError) return undefined
        throw error
      }
    },
    async confirm(parameters) {
      const what = `a proof of keystore ${parameters.id}`
      return receiptOf(await chain.confirm(await patiently(what, () => prover.proveConfig(parameters))))
    },
  }
}

/** Whether time alone may cure it. */
function isPassing(error: unknown): error is KeyrollError {
  return (
    error instanceof LaggingError ||
    error instanceof NotVouchedError ||
    error instanceof OutputNotFinalError ||
    error instanceof UnansweredError
  )
}

/** Whether the node would refuse the same again: neither was the question lost, nor does time alone cure it. */
function isLasting(error: BaseError): boolean {
  const refusal = error.walk(
    (each) => each instanceof InsufficientFundsError || each instanceof ExecutionRevertedError,
  )
  return refusal !== null || revertName(error) !== undefined
}

/** Finds the name of the custom error with which a call would revert; undefined when it failed otherwise. */
function revertName(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) return undefined
  const revert = error.walk((each) => each instanceof ContractFunctionRevertedError)
  return revert instanceof ContractFunctionRevertedError ? revert.data?.errorName : undefined
}
