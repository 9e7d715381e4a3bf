import { type Hex, numberToHex } from 'viem'
import {
  accountProofNodes,
  EMPTY_TRIE_ROOT,
  KEYSTORE_ADDRESS,
  keccakHex,
  keystoreGet,
  keystoreProof,
  MAX_TRANSACTION_BYTES,
  type RollupConfig,
  toHex,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { minimum } from '../bigints.ts'
import type { ChainStore } from '../store/ChainStore.ts'
import {
  blockToJson,
  fullBlockToJson,
  receiptsToJson,
  receiptToJson,
  transactionToJson,
} from './blockJson.ts'
import { feeHistory } from './feeHistory.ts'
import { findBlock, requireBlock, requireKept } from './findBlock.ts'
import { logQuery, searchLogs } from './LogFilter.ts'
import type { RpcMethods } from './RpcDispatcher.ts'
import {
  address,
  type BlockSelector,
  blockSelector,
  bool,
  data,
  defineMethod,
  fields,
  hash,
  LATEST,
  list,
  optionalParam,
  type Parser,
  param,
  quantity,
  slot,
} from './RpcParams.ts'

/** Whether the node is still reading L1 history; undefined when it follows the head. */
export type SyncProgress = { startingBlock: bigint; currentBlock: bigint; highestBlock: bigint } | undefined

/** What the `eth_` methods are made of. */
export type EthMethodsOptions = {
  store: ChainStore
  rollup: RollupConfig
  syncing: () => SyncProgress
}

const EMPTY_CODE_HASH = keccakHex(new Uint8Array())
const MAX_PROVEN_SLOTS = 256
const MAX_CALL_DATA_BYTES = 4 * MAX_TRANSACTION_BYTES

const block = optionalParam('block', blockSelector, LATEST)

/** What wallets put into the call object of eth_call and eth_estimateGas; nothing of it changes the answer. */
const callObject: Parser<unknown> = (value, name) => {
  const call = fields(
    ...(['from', 'to', 'gas', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas', 'value', 'nonce'] as const),
    ...(['data', 'input', 'accessList', 'chainId', 'type', 'authorizationList'] as const),
    ...(['maxFeePerBlobGas', 'blobVersionedHashes'] as const),
  )(value, name)
  for (const key of ['from', 'to'] as const) {
    if (call[key] !== undefined && call[key] !== null) address(call[key], `${name}.${key}`)
  }
  for (const key of ['data', 'input'] as const) {
    if (call[key] !== undefined) data(MAX_CALL_DATA_BYTES)(call[key], `${name}.${key}`)
  }
  return call
}

const anyObject: Parser<unknown> = (value, name) => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  return fields()(value, name)
}

/** Makes the standard reading methods (DESIGN §10, docs/rpc.md). */
export function createEthMethods({ store, rollup, syncing }: EthMethodsOptions): RpcMethods {
  const chainId = rollup.l2ChainId
  const constantAt = (answer: Hex) =>
    defineMethod([param('address', address), block], ([, selector]) => {
      requireBlock(store, selector)
      return answer
    })

  function showTransaction(transactionHash: Hex) {
    const found = store.transaction(transactionHash)
    const inBlock = found && store.blockByHash(found.blockHash)
    if (found === undefined || inBlock === undefined) return null
    return transactionToJson(inBlock, found.index, chainId)
  }

  function showReceipt(transactionHash: Hex) {
    const found = store.transaction(transactionHash)
    const inBlock = found && store.blockByHash(found.blockHash)
    if (found === undefined || inBlock === undefined) return null
    return receiptToJson(inBlock, receiptsOf(inBlock.hash), found.index)
  }

  function receiptsOf(blockHash: Hex) {
    return { receipts: store.receiptsOf(blockHash) ?? [], verdicts: store.verdictsOf(blockHash) ?? [] }
  }

  /** A number may lie beyond the head: there are no logs there yet. */
  function rangeEnd(selector: BlockSelector): bigint {
    return 'number' in selector ? selector.number : requireBlock(store, selector).header.number
  }

  return {
    eth_chainId: defineMethod([], () => numberToHex(chainId)),
    eth_blockNumber: defineMethod([], () => numberToHex(store.heads().unsafe.number)),
    eth_syncing: defineMethod([], () => {
      const progress = syncing()
      if (progress === undefined) return false
      const { startingBlock, currentBlock, highestBlock } = progress
      return {
        startingBlock: numberToHex(startingBlock),
        currentBlock: numberToHex(currentBlock),
        highestBlock: numberToHex(highestBlock),
      }
    }),
    eth_getBlockByNumber: defineMethod(
      [param('block', blockSelector), optionalParam('full', bool, false)],
      ([selector, full]) => {
        const found = findBlock(store, selector)
        if (found === undefined) return null
        return full ? fullBlockToJson(found, chainId) : blockToJson(found)
      },
    ),
    eth_getBlockByHash: defineMethod(
      [param('hash', hash), optionalParam('full', bool, false)],
      ([blockHash, full]) => {
        const found = store.blockByHash(blockHash)
        if (found === undefined) return null
        return full ? fullBlockToJson(found, chainId) : blockToJson(found)
      },
    ),
    eth_getBlockTransactionCountByNumber: defineMethod([param('block', blockSelector)], ([selector]) => {
      const found = findBlock(store, selector)
      return found === undefined ? null : numberToHex(found.transactions.length)
    }),
    eth_getBlockTransactionCountByHash: defineMethod([param('hash', hash)], ([blockHash]) => {
      const found = store.blockByHash(blockHash)
      return found === undefined ? null : numberToHex(found.transactions.length)
    }),
    eth_getTransactionByHash: defineMethod([param('hash', hash)], ([transactionHash]) =>
      showTransaction(transactionHash),
    ),
    eth_getTransactionByBlockNumberAndIndex: defineMethod(
      [param('block', blockSelector), param('index', quantity)],
      ([selector, index]) => {
        const found = findBlock(store, selector)
        return found === undefined ? null : transactionToJson(found, Number(index), chainId)
      },
    ),
    eth_getTransactionByBlockHashAndIndex: defineMethod(
      [param('hash', hash), param('index', quantity)],
      ([blockHash, index]) => {
        const found = store.blockByHash(blockHash)
        return found === undefined ? null : transactionToJson(found, Number(index), chainId)
      },
    ),
    eth_getTransactionReceipt: defineMethod([param('hash', hash)], ([transactionHash]) =>
      showReceipt(transactionHash),
    ),
    eth_getBlockReceipts: defineMethod([param('block', blockSelector)], ([selector]) => {
      const found = findBlock(store, selector)
      return found === undefined ? null : receiptsToJson(found, receiptsOf(found.hash))
    }),
    eth_getLogs: defineMethod([param('filter', logQuery)], async ([query], _context, work) => {
      if ('hash' in query.from) {
        const found = requireBlock(store, query.from)
        return searchLogs(store, query, found.header.number, found.header.number, work)
      }
      const from = rangeEnd(query.from)
      requireKept(store, from)
      const to = minimum(rangeEnd(query.to), store.heads().unsafe.number)
      return searchLogs(store, query, from, to, work)
    }),
    eth_getProof: defineMethod(
      [param('address', address), param('slots', list(slot, MAX_PROVEN_SLOTS)), block],
      async ([account, slots, selector], _context, work) => {
        const { withdrawalsRoot: keystoreRoot } = requireBlock(store, selector).header
        const isKeystore = account === KEYSTORE_ADDRESS
        const trie = store.trie(isKeystore ? keystoreRoot : EMPTY_TRIE_ROOT)
        const storageProof = []
        for (const key of slots) {
          await work.turn()
          const value = numberToHex(BigInt(keystoreGet(trie, key) ?? 0))
          storageProof.push({ key, value, proof: keystoreProof(trie, key).map(toHex) })
        }
        return {
          address: account,
          // The state trie has one leaf, so the node that proves the Keystore also proves that any other account is absent.
          accountProof: accountProofNodes(keystoreRoot).map(toHex),
          balance: '0x0',
          codeHash: EMPTY_CODE_HASH,
          nonce: '0x0',
          storageHash: isKeystore ? keystoreRoot : EMPTY_TRIE_ROOT,
          storageProof,
        }
      },
    ),
    eth_getStorageAt: defineMethod(
      [param('address', address), param('slot', slot), block],
      ([account, key, selector]) => {
        const { header } = requireBlock(store, selector)
        if (account !== KEYSTORE_ADDRESS) return ZERO_HASH
        return keystoreGet(store.trie(header.withdrawalsRoot), key) ?? ZERO_HASH
      },
    ),
    eth_getBalance: constantAt('0x0'),
    eth_getTransactionCount: constantAt('0x0'),
    eth_getCode: constantAt('0x'),
    eth_call: defineMethod(
      [
        param('call', callObject),
        block,
        optionalParam('stateOverrides', anyObject, undefined),
        optionalParam('blockOverrides', anyObject, undefined),
      ],
      ([, selector]) => {
        requireBlock(store, selector)
        return '0x'
      },
    ),
    eth_estimateGas: defineMethod(
      [param('call', callObject), block, optionalParam('stateOverrides', anyObject, undefined)],
      ([, selector]) => {
        requireBlock(store, selector)
        return numberToHex(21_000)
      },
    ),
    eth_gasPrice: defineMethod([], () => '0x0'),
    eth_maxPriorityFeePerGas: defineMethod([], () => '0x0'),
    eth_feeHistory: feeHistory(store),
    net_version: defineMethod([], () => String(chainId)),
  }
}
