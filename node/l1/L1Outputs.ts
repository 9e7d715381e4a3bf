import { type Address, decodeFunctionResult, encodeFunctionData, type Hex, numberToHex } from 'viem'
import { outputOracleAbi } from '../../contracts/index.ts'
import { commitmentOf, commitmentSlot, inputsHashOf } from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'
import type { Logger } from '../Logger.ts'
import type { Metrics } from '../Metrics.ts'
import { createHttp, type Http } from './Http.ts'
import type { L1Header } from './L1Header.ts'
import { createL1Rpc } from './L1Rpc.ts'
import { hexField } from './l1Json.ts'
import { provenWord } from './provenWord.ts'
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
  outputAt(header: Pick<L1Header, 'number' | 'stateRoot'>, index: bigint): Promise<ProvenOutput | undefined>
}

/** Makes a reader of the outputs in an OutputOracle (protocol.md §5.4). */
export function createL1Outputs({
  urls,
  oracle,
  metrics,
  logger,
  signal,
  http = createHttp(signal),
  retryPauseMs,
}: {
  urls: readonly string[]
  oracle: Address
  metrics?: Metrics
  logger?: Logger
  signal?: AbortSignal
  http?: Http
  retryPauseMs?: number
}): L1Outputs {
  const rpc = createL1Rpc({ urls, metrics, logger, http, signal, pauseMs: retryPauseMs })

  function callOf<T>(number: bigint, data: Hex, read: (answer: Hex) => T) {
    const params = [{ to: oracle, data }, numberToHex(number)]
    return {
      method: 'eth_call',
      params,
      read: (json: unknown): T => decoded(() => read(hexField({ answer: json }, 'answer'))),
    }
  }

  return {
    async outputAt(header, index) {
      const { number } = header
      const word = await provenWord(rpc, header, oracle, commitmentSlot(index))
      if (word === undefined) return undefined
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
      const question = callOf(number, outputData, (data) => {
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
      const answer = await rpc.request(question)
      if (answer !== undefined) return answer
      throw new TemporaryFault('no L1 node answers eth_call')
    },
  }
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
