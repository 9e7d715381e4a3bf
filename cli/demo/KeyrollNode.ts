import { type Hex, hexToBigInt } from 'viem'
import { callRpc } from '../callRpc.ts'

/** How far a set-config has come, in the fields that the demo shows. */
export type SetConfigStatus = {
  valid?: boolean
  blockNumber?: Hex
  l1?: { transactionHash: Hex; blockNumber: Hex }
  output?: { index: Hex; outputRoot: Hex; l1Timestamp: Hex; l2BlockNumber: Hex }
}

/** Asks a Keyroll node for the status of a set-config. */
export async function getStatus(url: string, transactionHash: Hex): Promise<SetConfigStatus> {
  return (await callRpc(url, 'keyroll_getStatus', [transactionHash])) as SetConfigStatus
}

/** Asks a Keyroll node for the output root that it derived for a block. */
export async function getDerivedOutputRoot(url: string, blockNumber: Hex): Promise<Hex> {
  const output = (await callRpc(url, 'optimism_outputAtBlock', [blockNumber])) as { outputRoot: Hex }
  return output.outputRoot
}

/** A promise as the sequencer sends it. */
export type PromiseJson = {
  promise: { id: Hex; kind: Hex; nonce: Hex; configHash: Hex; txHash: Hex; byBlock: Hex }
  signature: Hex
  signer: Hex
}

/** Hands a set-config to the sequencer. */
export async function sendConfig(url: string, raw: Hex): Promise<PromiseJson> {
  return (await callRpc(url, 'keyroll_sendConfig', [raw])) as PromiseJson
}

/** Turns a hex quantity into a JSON number. */
export function toNumber(quantity: Hex): number {
  return Number(hexToBigInt(quantity))
}
