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
import { waitForTransactionReceipt } from 'viem/actions'
import { findCheckpoint, replicaActions } from '../client/index.ts'
import type { KeyrollError } from '../protocol/index.ts'
import {
  createProver,
  LaggingError,
  NotVouchedError,
  type ProvenOutput,
  WrongAnswerError,
} from '../prover/index.ts'
import { CliError } from './CliError.ts'
import { sendByBridge } from './RelayerByBridge.ts'
import { waitFor } from './waitFor.ts'

/** A liar goes on lying. */
const MAX_WRONG_ANSWERS = 3

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
  /** Milliseconds until a proof that cannot be made yet is given up. */
  timeout: number
  signal: AbortSignal
}

/** Carries proofs from L1 to one replica. */
export interface Relayer {
  /**
   * Proves an output, or has the OutputBridge send it when the source is that one's alias; waits for its challenge period
   * when it shall be final.
   */
  updateRoot(root: { source: Address; outputIndex: bigint; final: boolean }): Promise<TransactionReceipt>
  /** Confirms the config of a keystore for an account from an output that the replica knows. */
  confirm(config: {
    id: Hex
    account: Address
    source: Address
    outputIndex: bigint
  }): Promise<TransactionReceipt>
}

/** Creates the relayer of a replica. */
export function createRelayer(options: RelayerOptions): Relayer {
  const { l1Url, beaconUrl, parentUrl, portal, keyrollUrl, chainUrl, replica } = options
  const { account, timeout, signal } = options
  const chain = createWalletClient({ account, transport: http(chainUrl), pollingInterval: 100 }).extend(
    replicaActions({ replica }),
  )
  const prover = createProver({
    l1: createClient({ transport: http(l1Url) }),
    l2: chain,
    ...(parentUrl !== undefined && { parent: createClient({ transport: http(parentUrl) }) }),
    keyroll: createClient({ transport: http(keyrollUrl) }),
    beaconUrl,
    replica,
  })

  const receiptOf = async (hash: Hash): Promise<TransactionReceipt> => {
    const receipt = await waitForTransactionReceipt(chain, { hash })
    if (receipt.status === 'success') return receipt
    throw new CliError(`transaction ${hash} reverted`)
  }

  /** What lags now may have caught up a block later; and who was asked between two blocks may mix their answers. */
  const patiently = async <T>(what: string, make: () => Promise<T | undefined>): Promise<T> => {
    let wrongAnswers = 0
    let lag: KeyrollError | undefined
    try {
      return await waitFor(what, { timeout, signal }, async () => {
        try {
          return await make()
        } catch (error) {
          if (error instanceof WrongAnswerError && ++wrongAnswers < MAX_WRONG_ANSWERS) return undefined
          if (!(error instanceof LaggingError || error instanceof NotVouchedError)) throw error
          lag = error
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

  /** What was vouched for when it was proven may not be when it is sent, for the chain went on or back: then it is proven again. */
  const send = async (proven: ProvenOutput): Promise<Hash> => {
    try {
      return await chain.updateRoot(proven)
    } catch (error) {
      const isRevert = (each: unknown) => each instanceof ContractFunctionRevertedError
      const revert = error instanceof BaseError ? error.walk(isRevert) : undefined
      const isMoved =
        revert instanceof ContractFunctionRevertedError && revert.data?.errorName === 'L1BlockHashNotVouched'
      throw isMoved ? new NotVouchedError(proven.proof.source, proven.l1Block.hash) : error
    }
  }

  return {
    async updateRoot({ source, outputIndex, final }) {
      const bridge = await chain.getOutputBridge()
      if (isAddressEqual(source, bridge.source)) {
        if (!final) throw new CliError('the bridge sends final outputs only: leave out --proposed')
        const asked = { l1Url, parentUrl, portal, replica, chain, prover }
        return sendByBridge({ ...asked, account, patiently, timeout, signal }, outputIndex)
      }
      const isWanted = (proven: ProvenOutput) => (proven.isFinal || !final ? proven : undefined)
      const what = `a proof of ${final ? 'final ' : ''}output ${outputIndex}`
      const prove = async (stored?: Hex) => {
        const from = stored === undefined ? {} : { checkpoint: stored }
        return isWanted(await prover.proveOutput({ source, outputIndex, ...from }))
      }
      const current = await patiently(what, () => prove())
      const stored = current.isFleeting ? await checkpoint(source) : undefined
      let proven = stored === undefined ? current : undefined
      const sent = await patiently(what, async () => {
        const next = proven ?? (await prove(stored))
        proven = undefined
        return next && send(next)
      })
      return receiptOf(sent)
    },
    async confirm(parameters) {
      const what = `a proof of keystore ${parameters.id}`
      return receiptOf(await chain.confirm(await patiently(what, () => prover.proveConfig(parameters))))
    },
  }
}
