import type { Hex } from 'viem'
import { expect } from 'vitest'
import { rpc, until } from '../sequencerWorld.ts'

type BlockJson = { number: Hex; hash: Hex }

/** Resolves with the number of a node's head. */
export async function headOf(url: string, tag: 'latest' | 'safe' | 'finalized'): Promise<number> {
  const { number } = await rpc<BlockJson>(url, 'eth_getBlockByNumber', [tag, false])
  return Number(number)
}

/** Waits until every node's safe head has reached a block, and then expects the same blocks and receipts of all up to there. */
export async function expectSameChain(urls: readonly string[], upTo: number): Promise<void> {
  for (const url of urls) {
    await until(
      () => headOf(url, 'safe'),
      (safe) => safe >= upTo,
      60_000,
    )
  }
  const [first, ...others] = await Promise.all(urls.map((url) => wholeChain(url, upTo)))
  for (const other of others) expect(other).toEqual(first)
}

async function wholeChain(url: string, upTo: number): Promise<unknown[]> {
  const calls = Array.from({ length: upTo + 1 }, (_, i) => `0x${i.toString(16)}`).flatMap((number) => [
    { jsonrpc: '2.0', id: `block ${number}`, method: 'eth_getBlockByNumber', params: [number, true] },
    { jsonrpc: '2.0', id: `receipts ${number}`, method: 'eth_getBlockReceipts', params: [number] },
  ])
  const answers: unknown[] = []
  for (let at = 0; at < calls.length; at += BATCH) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(calls.slice(at, at + BATCH)),
    })
    const part = (await response.json()) as { id: string; result?: unknown }[]
    for (const { id, result } of part) {
      expect(result, `${url}: ${id}`).toBeTruthy()
      answers.push({ id, result })
    }
  }
  expect(answers).toHaveLength(calls.length)
  return answers
}

const BATCH = 50
