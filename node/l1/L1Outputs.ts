import { type Address, decodeFunctionResult, encodeFunctionData, type Hex } from 'viem'
import { outputOracleAbi } from '../../contracts/index.ts'
import {
  commitmentOf,
  commitmentSlot,
  decodeRlp,
  fromHex,
  inputsHashOf,
  KeyrollError,
  keccak,
  rlpToBytes,
  rlpToList,
  slotToKey,
  storageValueFromRlp,
  toHex,
  verifyTrieProof,
} from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'
import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { createEndableFetch, type Fetch } from './EndableFetch.ts'
import type { L1Header } from './L1Header.ts'
import { createL1Rpc } from './L1Rpc.ts'
import { toList, toObject } from './l1Json.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** An output as the OutputOracle's state holds it. */
export type ProvenOutput = {
  outputRoot: Hex
  /** Seconds; the L1 block time of the proposal. */
  l1Timestamp: bigint
  l2BlockNumber: bigint
}

/** Reads outputs out of L1's state, and believes no node: each is proven under a header's state root. */
export interface L1Outputs {
  /**
   * Reads the output that stands in the state after an L1 block; undefined when none does.
   *
   * @throws {TemporaryFault} when no L1 node proves it either way: nodes that prune hold the state of recent blocks only.
   */
  outputAt(
    header: Pick<L1Header, 'number' | 'hash' | 'stateRoot'>,
    index: bigint,
  ): Promise<ProvenOutput | undefined>
}

/** Makes a reader of the outputs in an OutputOracle (protocol.md §5.4). */
export function createL1Outputs({
  urls,
  oracle,
  metrics,
  logger,
  signal,
  fetchFn,
  retryPauseMs,
}: {
  urls: readonly string[]
  oracle: Address
  metrics?: Metrics
  logger?: Logger
  signal?: AbortSignal
  fetchFn?: Fetch
  retryPauseMs?: number
}): L1Outputs {
  const endable = createEndableFetch({ signal, ...(fetchFn && { fetchFn }) })
  const rpc = createL1Rpc({ urls, metrics, logger, fetchFn: endable, signal, pauseMs: retryPauseMs })

  async function ask<T>(method: string, params: readonly unknown[], read: (json: unknown) => T): Promise<T> {
    const answer = await rpc.request({ method, params, read })
    if (answer !== undefined) return answer
    throw new TemporaryFault(`no L1 node answers ${method}`)
  }

  function callOf<T>(number: bigint, data: Hex, read: (answer: Hex) => T) {
    const params = [{ to: oracle, data }, toQuantity(number)]
    return {
      method: 'eth_call',
      params,
      read(json: unknown): T {
        if (typeof json === 'string' && /^0x([0-9a-f]{2})*$/i.test(json))
          return decoded(() => read(json as Hex))
        throw new RefusedAnswerError('got something else than bytes from eth_call')
      },
    }
  }

  return {
    async outputAt({ number, stateRoot }, index) {
      const slot = commitmentSlot(index)
      const word = await ask('eth_getProof', [oracle, [slot], toQuantity(number)], (json) =>
        provenWord(json, stateRoot, oracle, slot),
      )
      if (word === ABSENT) return undefined
      const abi = outputOracleAbi
      const args = [index] as const
      const inputsData = encodeFunctionData({ abi, functionName: 'getOutputInputs', args })
      // Alone they cannot be checked: take what every node says, and see which of it hashes to the word.
      const { found } = await rpc.requestAll(
        callOf(number, inputsData, (data) =>
          decodeFunctionResult({ abi, functionName: 'getOutputInputs', data }),
        ),
        { isEnough: () => false, graceMs: 0 },
      )
      const outputData = encodeFunctionData({ abi, functionName: 'getL2Output', args })
      const { method, params, read } = callOf(number, outputData, (data) => {
        const answer = decodeFunctionResult({ abi, functionName: 'getL2Output', data })
        const { outputRoot, timestamp: l1Timestamp, l2BlockNumber } = answer
        const output = { outputRoot, l1Timestamp, l2BlockNumber }
        const words = found.map((inputs) =>
          commitmentOf(index, { ...output, inputsHash: inputsHashOf(inputs) }),
        )
        if (words.includes(word)) return output
        throw new RefusedAnswerError(
          `got an output ${index} that hashes to ${words}, but L1's state proves ${word}`,
        )
      })
      return ask(method, params, read)
    },
  }
}

/** What `provenWord` gives when the proof shows that there is no word: undefined would mean that a node did not answer. */
const ABSENT = 'absent'

function provenWord(json: unknown, stateRoot: Hex, oracle: Address, slot: Hex): Hex | typeof ABSENT {
  const answer = toObject(json)
  const [storage] = toList(answer.storageProof)
  try {
    const account = verifyTrieProof(stateRoot, keccak(fromHex(oracle)), toNodes(answer.accountProof))
    if (account === undefined) return ABSENT
    const storageRoot = toHex(rlpToBytes(rlpToList(decodeRlp(account), 4)[2], 32))
    const value = verifyTrieProof(storageRoot, slotToKey(slot), toNodes(toObject(storage).proof))
    return value === undefined ? ABSENT : storageValueFromRlp(value)
  } catch (cause) {
    if (cause instanceof RefusedAnswerError || !(cause instanceof KeyrollError)) throw cause
    throw new RefusedAnswerError(`the proof of slot ${slot} does not hold: ${cause.message}`, { cause })
  }
}

function toNodes(json: unknown): Uint8Array[] {
  return toList(json).map((node) => {
    if (typeof node === 'string' && /^0x([0-9a-f]{2})*$/i.test(node)) return fromHex(node as Hex)
    throw new RefusedAnswerError('got a proof with something else than bytes in it')
  })
}

/** viem's decoder throws its own errors, which say that the node's answer is not what was asked for. */
function decoded<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (cause instanceof RefusedAnswerError) throw cause
    throw new RefusedAnswerError('got bytes from eth_call that are not the answer', { cause })
  }
}

function toQuantity(value: bigint): Hex {
  return `0x${value.toString(16)}`
}
