import { type Hex, numberToHex } from 'viem'
import {
  accountProofNodes,
  type Block,
  type Config,
  configToJson,
  keystoreProof,
  outputRootOf,
  type RollupConfig,
  readKeystore,
  type SignedPromise,
  toHex,
} from '../../protocol/index.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import type { StoredOutput } from '../store/StoredOutput.ts'
import { beforeSnapshot, findBlock, requireBlock } from './findBlock.ts'
import type { L1Status } from './OptimismMethods.ts'
import type { RpcMethods } from './RpcDispatcher.ts'
import { RpcError } from './RpcError.ts'
import { blockSelector, defineMethod, hash, LATEST, optionalParam, param, quantity } from './RpcParams.ts'

/** What a sequencer knows of a set-config that it accepted. */
export type PendingSetConfig = {
  signed: SignedPromise
  /** Whether it still waits for a block. */
  isPending: boolean
  /** Why it can no longer take effect, where that is so. */
  displacedReason?: string
}

/** What the reading `keyroll_` methods are made of. */
export type KeyrollMethodsOptions = {
  store: ChainStore
  rollup: RollupConfig
  l1Status: () => L1Status
  /** Finds a set-config by its hash among those that this node accepted; only a sequencer has any. */
  findAccepted?: (transactionHash: Hex) => PendingSetConfig | undefined
}

const block = optionalParam('block', blockSelector, LATEST)

/** Makes the methods for what only this chain has (docs/rpc.md). */
export function createKeyrollMethods(options: KeyrollMethodsOptions): RpcMethods {
  const { store } = options
  return {
    keyroll_getConfig: defineMethod([param('id', hash), block], ([id, selector]) =>
      configAt(store, id, requireBlock(store, selector)),
    ),
    keyroll_getConfigProof: defineMethod([param('id', hash), block], ([id, selector]) => {
      const at = requireBlock(store, selector)
      const { recovery: _, ...shown } = configAt(store, id, at)
      const keystoreRoot = at.header.withdrawalsRoot
      return {
        ...shown,
        stateRoot: at.header.stateRoot,
        keystoreRoot,
        accountProof: accountProofNodes(keystoreRoot).map(toHex),
        storageProof: keystoreProof(store.trie(keystoreRoot), id).map(toHex),
      }
    }),
    keyroll_getStatus: defineMethod([param('transactionHash', hash)], ([transactionHash]) =>
      statusOf(options, transactionHash),
    ),
    keyroll_getOutput: defineMethod([param('index', quantity)], ([index]) => {
      const { block, firstOutput } = store.base()
      if (index < firstOutput.index) {
        const message = `output ${index} is before ${firstOutput.index}, the first after this node began`
        throw beforeSnapshot(message, block.number)
      }
      return outputToJson(options, store.outputByIndex(index))
    }),
    keyroll_getOutputForBlock: defineMethod([param('block', blockSelector)], ([selector]) => {
      const number = 'number' in selector ? selector.number : findBlock(store, selector)?.header.number
      if (number !== undefined) requireOutputsKnown(store, number)
      return outputToJson(options, number === undefined ? undefined : store.outputForBlock(number))
    }),
    keyroll_getLatestOutput: defineMethod([], () =>
      outputToJson(options, store.outputByIndex(store.outputCount() - 1n)),
    ),
  }
}

/** A node that began with a snapshot knows the outputs of the blocks above it only. */
function requireOutputsKnown(store: ChainStore, number: bigint): void {
  const { block } = store.base()
  if (block.number === 0n || number > block.number) return
  throw beforeSnapshot(`block ${number} is not above ${block.number}, where this node began`, block.number)
}

/** What the chain says of a keystore at a block; the config is null while only its hash is known. */
function configAt(store: ChainStore, id: Hex, at: Block) {
  const { configHash, written, recovery } = readKeystore(store, at.header.withdrawalsRoot, id)
  const config: Config | undefined = store.config(configHash)
  return {
    id,
    configHash,
    written,
    config: config === undefined ? null : configToJson(config),
    recovery:
      recovery === undefined
        ? null
        : { configHash: recovery.configHash, readyAt: numberToHex(recovery.readyAt) },
    blockNumber: numberToHex(at.header.number),
    blockHash: at.hash,
  }
}

type Stage = 'unknown' | 'pending' | 'unsafe' | 'safe' | 'proposed' | 'finalized'

function statusOf(options: KeyrollMethodsOptions, transactionHash: Hex) {
  const { store, findAccepted } = options
  const accepted = findAccepted?.(transactionHash)
  const promise = accepted === undefined ? {} : signedPromiseToJson(accepted.signed)
  const status = (stage: Stage) => ({ stage, transactionHash, ...promise })
  const found = bestPlace(store, transactionHash)
  const at = found && store.blockByHash(found.blockHash)
  if (found === undefined || at === undefined)
    return accepted?.displacedReason === undefined
      ? status(accepted?.isPending === true ? 'pending' : 'unknown')
      : { ...status('unknown'), displacedReason: accepted.displacedReason }

  const verdict = store.verdictsOf(at.hash)?.[found.index]
  const number = at.header.number
  const place = {
    blockNumber: numberToHex(number),
    blockHash: at.hash,
    valid: verdict === undefined,
    ...(verdict === undefined ? {} : { invalidReason: verdict }),
  }
  if (number > store.heads().safe.number) return { ...status('unsafe'), ...place }

  const inclusion = store.inclusionOf(number)
  const l1 = inclusion && {
    blockNumber: numberToHex(inclusion.l1Block.number),
    blockHash: inclusion.l1Block.hash,
    transactionHash: inclusion.transactionHash ?? null,
  }
  const derived = { ...place, ...(l1 === undefined ? {} : { l1 }) }
  const output = store.outputForBlock(number)
  // An output that is not this chain's carries nothing of it: it waits to be deleted.
  if (output === undefined || !isOurs(store, output)) return { ...status('safe'), ...derived }
  const stage = isPastChallenge(options, output) ? 'finalized' : 'proposed'
  return { ...status(stage), ...derived, output: outputToJson(options, output) }
}

/** Where the set-config took effect, itself or by a deposit that forces it; else where it was tried. */
function bestPlace(store: ChainStore, transactionHash: Hex) {
  const places = [store.transaction(transactionHash), store.forcedTransaction(transactionHash)]
  const known = places.filter((place) => place !== undefined)
  return known.find(({ blockHash, index }) => store.receiptsOf(blockHash)?.[index]?.status === 1) ?? known[0]
}

function isOurs(store: ChainStore, output: StoredOutput): boolean {
  const at = store.blockByNumber(output.l2BlockNumber)
  return at !== undefined && outputRootOf(at) === output.outputRoot
}

function isPastChallenge({ rollup, l1Status }: KeyrollMethodsOptions, output: StoredOutput): boolean {
  const head = l1Status().head
  return head !== undefined && head.timestamp >= output.l1Timestamp + BigInt(rollup.challengePeriod)
}

function outputToJson(options: KeyrollMethodsOptions, output: StoredOutput | undefined) {
  if (output === undefined) {
    throw new RpcError('resourceNotFound', 'this node knows no such output', { reason: 'UNKNOWN_OUTPUT' })
  }
  return {
    index: numberToHex(output.index),
    outputRoot: output.outputRoot,
    l1Timestamp: numberToHex(output.l1Timestamp),
    l2BlockNumber: numberToHex(output.l2BlockNumber),
    l1: {
      blockNumber: numberToHex(output.l1Block.number),
      blockHash: output.l1Block.hash,
      transactionHash: output.transactionHash,
    },
    matches: isOurs(options.store, output),
    finalized: isPastChallenge(options, output),
  }
}

/** Turns a signed promise into the JSON of `keyroll_sendConfig`; numbers are hex quantities (docs/rpc.md). */
export function signedPromiseToJson({ promise, signature, signer }: SignedPromise) {
  const { id, kind, nonce, configHash, txHash, byBlock } = promise
  const numbers = { kind: numberToHex(kind), nonce: numberToHex(nonce), byBlock: numberToHex(byBlock) }
  return { promise: { id, configHash, txHash, ...numbers }, signature, signer }
}
