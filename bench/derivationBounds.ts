import type { Hex } from 'viem'
import { createHttp, verifyP256Once } from '../node/index.ts'
import { fromHex } from '../protocol/index.ts'
import { createBenchSigner } from './keystores.ts'
import { BenchmarkError } from './report.ts'

/** What the process of a bound does: verifies for some time, or reads what a derivation reads. */
export type BoundTask = { kind: 'verify'; seconds: number } | { kind: 'read'; url: string; blobs: boolean }

/** Verifications per second or milliseconds for all, and microseconds of CPU for one verification or all reading. */
export type BoundResult = { value: number; cpu: number }

const SAMPLES = 1_000

/** Verifies P-256 signatures as the nodes' threads do, each with a key of its own that has to be imported; counts them per second. */
async function verificationsPerSecond(seconds: number): Promise<BoundResult> {
  const digest: Hex = `0x${'5a'.repeat(32)}`
  const message = fromHex(digest)
  const samples = Array.from({ length: SAMPLES }, () => {
    const signer = createBenchSigner(2)
    return { key: fromHex(signer.key), rs: fromHex(signer.sign(digest)) }
  })
  const start = performance.now()
  const before = process.cpuUsage()
  let count = 0
  while (performance.now() - start < seconds * 1_000) {
    for (const { key, rs } of samples) {
      if (!(await verifyP256Once(message, rs, key))) throw new BenchmarkError('a good signature was refused')
    }
    count += samples.length
  }
  const { user, system } = process.cpuUsage(before)
  return { value: (count * 1_000) / (performance.now() - start), cpu: (user + system) / count }
}

/** Reads, one after the other, the blocks, receipts and blobs of an L1, and does nothing with them; milliseconds. */
async function read(url: string, blobs: boolean): Promise<BoundResult> {
  const start = performance.now()
  const before = process.cpuUsage()
  for (let number = 0; ; number++) {
    const header = (await call(url, 'eth_getBlockByNumber', [`0x${number.toString(16)}`, false])) as
      | { hash: Hex; transactions: Hex[] }
      | undefined
    if (header === undefined) {
      const { user, system } = process.cpuUsage(before)
      return { value: performance.now() - start, cpu: user + system }
    }
    if (header.transactions.length === 0) continue
    await call(url, 'eth_getBlockReceipts', [header.hash], false)
    await call(url, 'eth_getBlockByHash', [header.hash, true], false)
    if (blobs) await get(`${url}/eth/v1/beacon/blobs/${number}`)
  }
}

const http = createHttp()

async function call(url: string, method: string, params: unknown[], isParsed = true): Promise<unknown> {
  const bytes = await get(url, JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  if (!isParsed) return bytes
  const { result } = JSON.parse(bytes.toString()) as { result: unknown }
  return result ?? undefined
}

async function get(url: string, body?: string): Promise<Buffer> {
  const parts: Uint8Array[] = []
  await http({ url, body, headers: {}, timeoutMs: 60_000 }, (part) => parts.push(part))
  return Buffer.concat(parts)
}

const task = JSON.parse(process.argv.at(-1) ?? '') as BoundTask
const result = await (task.kind === 'verify'
  ? verificationsPerSecond(task.seconds)
  : read(task.url, task.blobs))
process.send?.(result)
process.disconnect?.()
