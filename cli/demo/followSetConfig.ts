import { createClient, type Hex, http, numberToHex } from 'viem'
import { getBlock, readContract } from 'viem/actions'
import { findPromiseFault, keyrollActions, type SignedSetConfig } from '../../client/index.ts'
import { systemConfigAbi } from '../../contracts/index.ts'
import type { DevnetInfo } from '../../devnet/index.ts'
import { toJsonObject } from '../../protocol/index.ts'
import { CliError } from '../CliError.ts'
import { callRpc } from '../callRpc.ts'
import { waitFor } from '../waitFor.ts'
import { brief, type DemoContext, patience, runStage } from './stages.ts'

/** Where a set-config went; `derivedOutputRoot` is the independent node's, from L1 alone. */
export type SetConfigJourney = {
  promiseMs: number
  unsafeBlock: number
  batchTx: Hex
  safeBlock: number
  outputIndex: number
  outputRoot: Hex
  derivedOutputRoot: Hex
}

/** Hands a set-config to the sequencer, and follows it to a final output on L1. */
export async function followSetConfig(
  context: DemoContext,
  setConfig: SignedSetConfig,
): Promise<SetConfigJourney> {
  const { info, signal } = context
  const sequencer = keyrollClient(info.sequencer.rpcUrl)
  const node = keyrollClient(info.node.rpcUrl)
  const { transactionHash } = setConfig
  const waiting = { transactionHash, timeout: patience(info), signal, pollingInterval: 100 }

  const promiseMs = await runStage(context, 'promise', () => getPromise(info, setConfig))
  const unsafeBlock = await runStage(context, 'unsafe', async () => {
    const status = await sequencer.waitForStatus({ ...waiting, stage: 'unsafe' })
    const value = known(status.blockNumber)
    return { value: Number(value), detail: `block ${value}` }
  })
  const batchTx = await runStage(context, 'batch', async () => {
    const status = await sequencer.waitForStatus({ ...waiting, stage: 'safe' })
    const { transactionHash: batch, blockNumber } = known(status.l1)
    return { value: known(batch), detail: `L1 block ${blockNumber}, transaction ${brief(known(batch))}` }
  })
  const safeBlock = await runStage(context, 'safe', async () => {
    const status = await node.waitForStatus({ ...waiting, stage: 'safe' })
    const value = known(status.blockNumber)
    return { value: Number(value), detail: `block ${value}, by the independent node` }
  })
  const output = await runStage(context, 'output', async () => {
    const status = await node.waitForStatus({ ...waiting, stage: 'proposed' })
    const value = known(status.output)
    return { value, detail: `output ${value.index}, root ${brief(value.outputRoot)}` }
  })
  const { index, outputRoot } = output
  const derivedOutputRoot = await runStage(context, 'agreed', async () => {
    const value = await getDerivedOutputRoot(info.node.rpcUrl, output.l2BlockNumber)
    if (value === outputRoot) return { value, detail: 'the same output root, from L1 alone' }
    throw new CliError(`the independent node derived ${value}, the output is ${outputRoot}`)
  })
  const { challenge_period: period } = info.rollup.config
  await runStage(
    context,
    'final',
    async () => {
      await untilL1Time(context, output.l1Timestamp + BigInt(period))
      return { value: undefined, detail: `nobody can delete output ${index} any more` }
    },
    `${period} s from the proposal`,
  )
  return {
    ...{ promiseMs, unsafeBlock, batchTx, safeBlock },
    ...{ outputIndex: Number(index), outputRoot, derivedOutputRoot },
  }
}

async function getPromise(info: DevnetInfo, { raw, tx }: SignedSetConfig) {
  const promiseSigner = await readContract(createClient({ transport: http(info.l1.rpcUrl) }), {
    address: info.contracts.l1.systemConfig,
    abi: systemConfigAbi,
    functionName: 'promiseSigner',
  })
  const sequencer = keyrollClient(info.sequencer.rpcUrl)
  const sentAt = performance.now()
  const signed = await sequencer.sendConfig({ raw })
  const promiseMs = Math.round((performance.now() - sentAt) * 10) / 10
  const fault = findPromiseFault({ signed, l2ChainId: BigInt(info.rollup.l2ChainId), promiseSigner, tx })
  if (fault !== undefined) throw new CliError(`the promise is worth nothing: ${fault}`)
  return { value: promiseMs, detail: `by block ${signed.promise.byBlock}, held after ${promiseMs} ms` }
}

function keyrollClient(url: string) {
  return createClient({ transport: http(url) }).extend(keyrollActions())
}

async function getDerivedOutputRoot(url: string, blockNumber: bigint): Promise<Hex> {
  const output = await callRpc(url, 'optimism_outputAtBlock', [numberToHex(blockNumber)])
  const refuse = (details: string) =>
    new CliError(`${url} answered optimism_outputAtBlock wrongly: ${details}`)
  return toJsonObject(output, refuse).hex('outputRoot', 32)
}

async function untilL1Time({ info, signal }: DemoContext, time: bigint): Promise<void> {
  const l1 = createClient({ transport: http(info.l1.rpcUrl) })
  await waitFor(`L1 to reach time ${time}`, { timeout: patience(info), signal }, async () =>
    (await getBlock(l1)).timestamp >= time ? true : undefined,
  )
}

/** Takes what belongs to a stage that was reached. */
function known<T>(value: T | undefined): T {
  if (value !== undefined) return value
  throw new CliError('the node says that a stage is reached, but not where')
}
