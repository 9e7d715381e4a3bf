import { type Address, decodeFunctionData, type Hex } from 'viem'
import { outputOracleAbi } from '../../contracts/index.ts'
import type { L1Header } from '../../node/index.ts'
import { outputRoot, type RollupConfig } from '../../protocol/index.ts'
import { FAKE_L1_ADDRESSES, type FakeL1, type FakeL1Action } from '../FakeL1.ts'
import type { PooledTransaction } from '../l1Pool.ts'

/** The part of a fake L1 that a world moves. */
export type L1Chain = Pick<FakeL1, 'head' | 'mine' | 'takeBack' | 'finalize'>

/** What a block of the simulated L1 led to. */
export type L1State = {
  /** The next nonce of every account that has sent something. */
  nonces: ReadonlyMap<Address, bigint>
  /** The L2 blocks of the standing outputs. */
  outputs: readonly bigint[]
  submissions: bigint
  /** What the accounts of the sequencer got into this block. */
  executed: readonly Executed[]
  promiseSigner: Address
}

/** A transaction of one of the sequencer's accounts in a block. */
export type Executed = { transaction: PooledTransaction; status: 'success' | 'reverted' }

/** The blocks that a node sees: from the first one on. */
export type L1View = readonly L1Header[]

/** An L1 with contracts that answer to real transactions, whose every fork is remembered. */
export interface SimulatedL1 {
  /** The canonical chain; a new array with every change. */
  view(): L1View
  finalized(): bigint
  stateOf(header: L1Header): L1State
  /** Finds a block that was ever mined. */
  known(hash: Hex): L1Header | undefined
  /** Executes a transaction on a block without mining it. */
  wouldSucceed(on: L1Header, call: { from: Address; to: Address; data: Hex }): boolean
  mine(block: NewBlock): L1Header
  /** Takes the newest blocks back and returns what the accounts had in them, oldest first. */
  takeBack(depth: number): PooledTransaction[]
  finalize(number: bigint): void
  /** Names another promise signer from the next block on. */
  namePromiseSigner(address: Address): void
}

/** What a new block holds: first what others do, then the transactions of the sequencer's accounts, in this order. */
export type NewBlock = {
  seconds: bigint
  actions: readonly FakeL1Action[]
  transactions: readonly PooledTransaction[]
}

const BLOCKHASH_WINDOW = 256n

/** Makes a simulated L1 on a fake one that has a single block. */
export function createSimulatedL1({
  chain,
  rollup,
  batcher,
  promiseSigner,
}: {
  chain: L1Chain
  rollup: RollupConfig
  batcher: Address
  promiseSigner: Address
}): SimulatedL1 {
  const first = chain.head()
  let view: L1View = [first]
  let finalized = first.number
  let namedSigner = promiseSigner
  const everMined = new Map<Hex, L1Header>([[first.hash, first]])
  const states = new Map<Hex, L1State>([
    [first.hash, { nonces: new Map(), outputs: [], submissions: 0n, executed: [], promiseSigner }],
  ])

  const head = () => chain.head()
  function stateOf({ hash, number }: L1Header): L1State {
    const state = states.get(hash)
    if (state === undefined) throw new RangeError(`the simulated L1 never had block ${number} ${hash}`)
    return state
  }

  /** What a transaction does on a block; undefined when it reverts. */
  function effectOf(
    { from, to, data }: { from: Address; to: Address; data: Hex },
    blobs: readonly Uint8Array[],
    on: { view: L1View; outputs: readonly bigint[]; timestamp: bigint },
  ): FakeL1Action | undefined {
    if (to === FAKE_L1_ADDRESSES.batchInboxAddress) {
      if (from !== batcher) return undefined
      return blobs.length > 0 ? { kind: 'blobs', blobs } : { kind: 'batch', data: hexToBytes(data) }
    }
    if (to !== FAKE_L1_ADDRESSES.outputOracleAddress) return undefined
    const { functionName, args } = decodeFunctionData({ abi: outputOracleAbi, data })
    if (functionName !== 'proposeL2Output') return undefined
    const [stateRoot, keystoreRoot, blockHash, l2BlockNumber, l1BlockHash, l1BlockNumber] = args
    const time = rollup.genesis.l2Time + l2BlockNumber * rollup.blockTime
    if (l2BlockNumber !== nextOutput(on.outputs) || time >= on.timestamp) return undefined
    const parent = on.view.at(-1)
    const named = on.view[Number(l1BlockNumber - first.number)]
    const isInReach = parent !== undefined && l1BlockNumber + BLOCKHASH_WINDOW > parent.number
    if (named?.hash !== l1BlockHash || !isInReach) return undefined
    return { kind: 'output', outputRoot: outputRoot({ stateRoot, keystoreRoot, blockHash }), l2BlockNumber }
  }

  function nextOutput(outputs: readonly bigint[]): bigint {
    return (outputs.at(-1) ?? 0n) + rollup.submissionInterval
  }

  return {
    view: () => view,
    finalized: () => finalized,
    stateOf,
    known: (hash) => everMined.get(hash),
    wouldSucceed(on, call) {
      const at = Number(on.number - first.number)
      const { outputs } = stateOf(on)
      const isBlob = call.to === FAKE_L1_ADDRESSES.batchInboxAddress && call.data === '0x'
      const blobs = isBlob ? [new Uint8Array()] : []
      // Nodes estimate in a block that is to come.
      const context = { view: view.slice(0, at + 1), outputs, timestamp: on.timestamp + 1n }
      return effectOf(call, blobs, context) !== undefined
    },
    mine({ seconds, actions, transactions }) {
      const parent = head()
      const before = stateOf(parent)
      const timestamp = parent.timestamp + seconds
      let outputs = before.outputs
      const count = (action: FakeL1Action) => {
        if (action.kind === 'output') outputs = [...outputs, action.l2BlockNumber]
        else if (action.kind === 'deleteOutputs') outputs = outputs.slice(0, Number(action.newLength))
      }
      const taken = actions.filter((action) => {
        const isNext = action.kind !== 'output' || action.l2BlockNumber === nextOutput(outputs)
        if (isNext) count(action)
        return isNext
      })
      const executed: Executed[] = []
      const nonces = new Map(before.nonces)
      for (const transaction of transactions) {
        nonces.set(transaction.from, transaction.nonce + 1n)
        const effect = effectOf(transaction, transaction.blobs, { view, outputs, timestamp })
        executed.push({ transaction, status: effect === undefined ? 'reverted' : 'success' })
        if (effect === undefined) continue
        count(effect)
        taken.push(effect)
      }
      const header = chain.mine(taken, seconds)
      const isSubmission = (action: FakeL1Action) =>
        action.kind === 'blobs' || (action.kind === 'batch' && action.reverts !== true)
      const submissions = before.submissions + BigInt(taken.filter(isSubmission).length)
      states.set(header.hash, { nonces, outputs, submissions, executed, promiseSigner: namedSigner })
      everMined.set(header.hash, header)
      view = [...view, header]
      return header
    },
    takeBack(depth) {
      const gone = view.slice(view.length - depth)
      view = view.slice(0, view.length - depth)
      chain.takeBack(depth)
      return gone.flatMap((header) => stateOf(header).executed.map(({ transaction }) => transaction))
    },
    finalize(number) {
      finalized = number
      chain.finalize(number)
    },
    namePromiseSigner(address) {
      namedSigner = address
    },
  }
}

function hexToBytes(data: Hex): Uint8Array {
  return new Uint8Array(Buffer.from(data.slice(2), 'hex'))
}
