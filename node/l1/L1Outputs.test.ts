import { encodeFunctionResult, type Hex, toFunctionSelector } from 'viem'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { outputOracleAbi } from '../../contracts/index.ts'
import {
  commitmentOf,
  commitmentSlot,
  emptyTrie,
  inputsHashOf,
  toHex,
  trieRoot,
  ZERO_HASH,
} from '../../protocol/index.ts'
import { fakeHash } from '../../test/chainFixtures.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { createL1State } from '../../test/l1State.ts'
import { TemporaryFault } from '../Fault.ts'
import { createL1Outputs } from './L1Outputs.ts'

const ORACLE: Hex = `0x${'a4'.repeat(20)}`
const INDEX = 7n
const inputs = {
  inboxCount: 3n,
  inboxChainHash: fakeHash('inbox'),
  depositCount: 1n,
  depositChainHash: fakeHash('portal'),
}
const output = { outputRoot: fakeHash('output'), l1Timestamp: 1_700_000_000n, l2BlockNumber: 80n }
const word = commitmentOf(INDEX, { ...output, inputsHash: inputsHashOf(inputs) })

const state = createL1State(ORACLE, {
  [commitmentSlot(INDEX)]: word,
  [commitmentSlot(6n)]: fakeHash('another word'),
})
const header = { number: 900n, hash: fakeHash('header'), stateRoot: state.stateRoot }

type Answers = Record<string, (params: readonly unknown[]) => unknown>

/** An L1 node that says the truth. */
const honest: Answers = {
  eth_getProof: ([, [slot]]) => state.prove(slot as Hex),
  eth_call: ([{ data }]) => {
    const abi = outputOracleAbi
    return data.startsWith(toFunctionSelector('getL2Output(uint256)'))
      ? encodeFunctionResult({
          abi,
          functionName: 'getL2Output',
          result: {
            outputRoot: output.outputRoot,
            timestamp: output.l1Timestamp,
            l2BlockNumber: output.l2BlockNumber,
          },
        })
      : encodeFunctionResult({ abi, functionName: 'getOutputInputs', result: inputs })
  },
} as Record<string, (params: readonly [{ data: Hex }, Hex[]]) => unknown> as Answers

let nodes: { url: string; close: () => Promise<void> }[]
let answers: Answers[]
beforeAll(async () => {
  const serve = (i: number) =>
    startHttpServer(async (_, body) => {
      const { id, method, params } = JSON.parse(body)
      const result = answers[i]?.[method]?.(params)
      return Response.json({
        jsonrpc: '2.0',
        id,
        ...(result === undefined ? { error: { code: -32000, message: 'no' } } : { result }),
      })
    })
  nodes = await Promise.all([serve(0), serve(1)])
})
beforeEach(() => {
  answers = [honest, honest]
})
afterAll(() => Promise.all(nodes.map(({ close }) => close())))

const outputs = () => createL1Outputs({ urls: nodes.map(({ url }) => url), oracle: ORACLE, retryPauseMs: 1 })

it('reads an output that the state proves', async () => {
  expect(await outputs().outputAt(header, INDEX)).toEqual(output)
})

it('believes a proof that there is none, of the word or of the whole oracle', async () => {
  expect(await outputs().outputAt(header, 8n)).toBeUndefined()
  const empty = { accountProof: [], storageProof: [] }
  answers = [{ ...honest, eth_getProof: () => empty }, {}]
  const nowhere = { ...header, stateRoot: trieRoot(emptyTrie()) }
  expect(await outputs().outputAt(nowhere, INDEX)).toBeUndefined()
})

const lies: Record<string, Partial<Answers>> = {
  'that there is no word': {
    eth_getProof: ([, , number]) => ({
      ...(honest.eth_getProof?.([ORACLE, [commitmentSlot(8n)], number]) as object),
    }),
  },
  'a proof under another root': {
    eth_getProof: () => ({ accountProof: [toHex(state.account)], storageProof: [{ proof: [] }] }),
  },
  'a proof of nothing': { eth_getProof: () => ({}) },
  'a proof that is no list of bytes': {
    eth_getProof: () => ({ accountProof: [1], storageProof: [{ proof: [2] }] }),
  },
  'another output': {
    eth_call: ([call]) => {
      const right = honest.eth_call?.([call]) as Hex
      return right.length === 2 + 3 * 64 ? `0x${'01'.repeat(32)}${right.slice(66)}` : right
    },
  },
  'an output that is no bytes': { eth_call: () => 5 },
  'an output that is too short': { eth_call: () => '0x00' },
}
for (const [name, lie] of Object.entries(lies)) {
  it(`asks the next node when one says ${name}, and gives up when all do`, async () => {
    const liar = { ...honest, ...lie } as Answers
    answers = [liar, honest]
    expect(await outputs().outputAt(header, INDEX)).toEqual(output)
    answers = [liar, liar]
    await expect(outputs().outputAt(header, INDEX)).rejects.toThrow(TemporaryFault)
  })
}

it('finds the inputs that fit among what the nodes say, and gives up when none do', async () => {
  const abi = outputOracleAbi
  const result = { ...inputs, inboxChainHash: ZERO_HASH }
  const wrong = encodeFunctionResult({ abi, functionName: 'getOutputInputs', result })
  const liar = {
    ...honest,
    eth_call: ([call]: readonly unknown[]) => {
      const right = honest.eth_call?.([call]) as Hex
      return right.length === 2 + 4 * 64 ? wrong : right
    },
  }
  answers = [liar, honest]
  expect(await outputs().outputAt(header, INDEX)).toEqual(output)
  answers = [liar, liar]
  await expect(outputs().outputAt(header, INDEX)).rejects.toThrow(TemporaryFault)
})
