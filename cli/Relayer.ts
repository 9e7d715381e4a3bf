import {
  type Address,
  BaseError,
  ContractFunctionRevertedError,
  createClient,
  createWalletClient,
  type Hash,
  type Hex,
  http,
  isAddressEqual,
  type LocalAccount,
  type TransactionReceipt,
} from 'viem'
import { getBlock, readContract } from 'viem/actions'
import { type FeeLimits, findCheckpoint, replicaActions } from '../client/index.ts'
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
import { sendByBridge } from './RelayerByBridge.ts'
import { waitFor } from './waitFor.ts'

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

/** Creates the relayer of a replica. */
export function createRelayer(options: RelayerOptions): Relayer {
  const { l1Url, beaconUrl, parentUrl, portal, keyrollUrl, chainUrl, replica } = options
  const { account, feeLimits, timeout, signal } = options
  const chain = createWalletClient({ account, transport: http(chainUrl), pollingInterval: 100 }).extend(
    replicaActions({ replica, ...(feeLimits && { feeLimits }) }),
  )
  const l1 = createClient({ transport: http(l1Url) })
  const prover = createProver({
    l1,
    l2: chain,
    ...(parentUrl !== undefined && { parent: createClient({ transport: http(parentUrl) }) }),
    keyroll: createClient({ transport: http(keyrollUrl) }),
    beaconUrl,
    replica,
  })

  const receiptOf = (hash: Hash): Promise<TransactionReceipt> => awaitReceipt(chain, { hash })

  /** What lags now may have caught up a block later; and who was asked between two blocks may mix their answers. */
  const patiently = async <T>(what: string, make: () => Promise<T | undefined>): Promise<T> => {
    let wrongAnswers = 0
    let lag: KeyrollError | undefined
    let isTold = false
    try {
      return await waitFor(what, { timeout, signal, longest: L1_SLOT_MS }, async () => {
        lag = undefined
        try {
          return await make()
        } catch (error) {
          const isMixed = error instanceof WrongAnswerError && ++wrongAnswers < MAX_WRONG_ANSWERS
          if (!isMixed && !isPassing(error)) throw error
          lag = error
          if (!isTold) options.tell?.(`waiting up to ${timeout / 1000} s for ${what}. ${error.message}`)
          isTold = true
          return undefined
        }
      })
    } catch (error) {
      if (error instanceof CliError && lag)
        throw new CliError(`${error.message}. ${lag.message}`, { cause: lag })
      throw error
    }
  }

  const checkpoint = async (source: Address): Promise<Hex> => {
    const { logs } = await receiptOf(await chain.checkpoint({ source }))
    const stored = findCheckpoint(source, logs)
    if (stored === undefined) throw new CliError(`the source ${source} logged no checkpoint`)
    return stored
  }

  /** What was vouched for when it was proven may not be when it is sent, or somebody was faster: then it is proven again. */
  const send = async (proven: ProvenOutput): Promise<Hash> => {
    try {
      return await chain.updateRoot(proven)
    } catch (error) {
      const { source, output } = proven.proof
      const reason = revertName(error)
      if (reason === 'L1BlockHashNotVouched') throw new NotVouchedError(source, proven.l1Block.hash)
      if (reason === 'RootIsFinalized') throw new RootFinalizedError(source, output.index)
      if (reason !== 'L1BlockNotLater') throw error
      const details = `output ${output.index} was seen in an L1 block that is not before ${proven.l1Block.number}`
      throw new LaggingError('L2 node', details)
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
      const contract = { address: replica, abi: keystoreReplicaAbi } as const
      const reading = readContract(chain, { ...contract, functionName: 'challengePeriod' })
      const challengePeriod = BigInt(await answered('L2 node', 'challengePeriod', reading))
      finalAt = proven.proof.output.l1Timestamp + challengePeriod
      throw new OutputNotFinalError(outputIndex, finalAt, proven.l1Block.timestamp)
    }
  }

  /** Sends a proof, from a checkpoint if need be; undefined when somebody else's came first. */
  const prove = async (wanted: WantedRoot): Promise<TransactionReceipt | undefined> => {
    const { source, outputIndex, final } = wanted
    const what = `a proof of ${final ? 'final ' : ''}output ${outputIndex}`
    const proveNow = createPatientProof(wanted)
    const first = await patiently(what, () => proveNow())
    const isKnown = async () => {
      const root = await answered('L2 node', 'root', chain.getRoot({ source, outputIndex }))
      if (root === undefined || root.l1BlockNumber < first.l1Block.number) return false
      return root.finalized || !final
    }
    let stored = first.isFleeting ? await checkpoint(source) : undefined
    let proven = stored === undefined ? first : undefined
    let renewals = 0
    const sent = await patiently(what, async () => {
      const next = proven
      proven = undefined
      try {
        return await send(next ?? (await proveNow(stored)))
      } catch (error) {
        if (error instanceof LaggingError && (await isKnown())) return 'not needed'
        // The chain went back behind it.
        const isLost = error instanceof NotVouchedError && stored !== undefined
        if (isLost && renewals++ < MAX_RENEWALS) stored = await checkpoint(source)
        throw error
      }
    })
    return sent === 'not needed' ? undefined : receiptOf(sent)
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

/** Finds the name of the custom error with which a call would revert; undefined when it failed otherwise. */
function revertName(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) return undefined
  const revert = error.walk((each) => each instanceof ContractFunctionRevertedError)
  return revert instanceof ContractFunctionRevertedError ? revert.data?.errorName : undefined
}
