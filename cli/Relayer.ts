import {
  type Address,
  createClient,
  createWalletClient,
  type Hash,
  type Hex,
  http,
  type LocalAccount,
  type TransactionReceipt,
} from 'viem'
import { waitForTransactionReceipt } from 'viem/actions'
import { findCheckpoint, replicaActions } from '../client/index.ts'
import {
  createProver,
  LaggingError,
  NotVouchedError,
  type ProvenOutput,
  WrongAnswerError,
} from '../prover/index.ts'
import { CliError } from './CliError.ts'
import { waitFor } from './waitFor.ts'

/** A liar goes on lying. */
const MAX_WRONG_ANSWERS = 3

/** Whom a relayer asks, to which replica it carries proofs, and who pays. */
export type RelayerOptions = {
  l1Url: string
  /** Needed for sources that start from beacon roots. */
  beaconUrl: string | undefined
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
  /** Proves an output; waits for its challenge period when it shall be final. */
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
  const { l1Url, beaconUrl, keyrollUrl, chainUrl, replica, account, timeout, signal } = options
  const chain = createWalletClient({ account, transport: http(chainUrl), pollingInterval: 100 }).extend(
    replicaActions({ replica }),
  )
  const prover = createProver({
    l1: createClient({ transport: http(l1Url) }),
    l2: chain,
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
  const patiently = <T>(what: string, make: () => Promise<T | undefined>): Promise<T> => {
    let wrongAnswers = 0
    return waitFor(what, { timeout, signal }, async () => {
      try {
        return await make()
      } catch (error) {
        if (error instanceof LaggingError || error instanceof NotVouchedError) return undefined
        if (error instanceof WrongAnswerError && ++wrongAnswers < MAX_WRONG_ANSWERS) return undefined
        throw error
      }
    })
  }

  const checkpoint = async (source: Address): Promise<Hex> => {
    const { logs } = await receiptOf(await chain.checkpoint({ source }))
    const stored = findCheckpoint(source, logs)
    if (stored === undefined) throw new CliError(`the source ${source} logged no checkpoint`)
    return stored
  }

  return {
    async updateRoot({ source, outputIndex, final }) {
      const isWanted = (proven: ProvenOutput) => (proven.isFinal || !final ? proven : undefined)
      const what = `a proof of ${final ? 'final ' : ''}output ${outputIndex}`
      const prove = async (stored?: Hex) => {
        const from = stored === undefined ? {} : { checkpoint: stored }
        return isWanted(await prover.proveOutput({ source, outputIndex, ...from }))
      }
      const current = await patiently(what, () => prove())
      // Without a proof of its own, the source vouches only for the L1 block of this very moment.
      if (current.proof.sourceProof !== '0x') return receiptOf(await chain.updateRoot(current))
      const stored = await checkpoint(source)
      return receiptOf(await chain.updateRoot(await patiently(what, () => prove(stored))))
    },
    async confirm(parameters) {
      const what = `a proof of keystore ${parameters.id}`
      return receiptOf(await chain.confirm(await patiently(what, () => prover.proveConfig(parameters))))
    },
  }
}
