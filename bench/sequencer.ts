import { Agent, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { bytesToHex, type Hex, keccak256 } from 'viem'
import { withDevnet } from './devnet.ts'
import { createBenchKeystore, rotate } from './keystores.ts'
import { type Benchmark, BenchmarkError, measurement, quantile } from './report.ts'

const FULL = { count: 4_000, connections: 64, latencyCount: 1_000, latencyConnections: 4 }
const SMOKE = { count: 200, connections: 16, latencyCount: 50, latencyConnections: 4 }
const EXECUTION_TIMEOUT_MS = 120_000

/**
 * Drives the sequencer of a devnet over HTTP. `accepted` are first updates of distinct P-256 keystores per second, each
 * decoded, validated, synced to disk and promised, with many connections; all of them must be executed in blocks before
 * the benchmark ends. `promise.p99` is the latency of such a call with few connections.
 */
export const benchmarkSequencer: Benchmark = ({ smoke }) =>
  withDevnet(async ({ info }) => {
    const { count, connections, latencyCount, latencyConnections } = smoke ? SMOKE : FULL
    const url = info.sequencer.rpcUrl
    const chainId = BigInt(info.rollup.l2ChainId)
    const raws = Array.from({ length: count + latencyCount }, () => {
      return rotate(createBenchKeystore(2), chainId).raw
    })

    const calm = await sendAll(url, raws.slice(0, latencyCount), latencyConnections)
    const start = performance.now()
    await sendAll(url, raws.slice(latencyCount), connections)
    const seconds = (performance.now() - start) / 1_000
    await untilExecuted(url, raws)
    return [
      measurement('sequencer.accepted', count / seconds, 'per s'),
      measurement('sequencer.promise.p50', quantile(calm, 0.5), 'ms'),
      measurement('sequencer.promise.p99', quantile(calm, 0.99), 'ms'),
    ]
  })

/** Sends set-configs over so many connections at once, and returns the latency of each in milliseconds. */
async function sendAll(url: string, raws: readonly Uint8Array[], connections: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const latencies: number[] = []
  const queue = raws.values()
  const worker = async () => {
    for (const raw of queue) {
      const start = performance.now()
      await call(agent, url, 'keyroll_sendConfig', [bytesToHex(raw)])
      latencies.push(performance.now() - start)
    }
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
  return latencies
}

/** Waits until every set-config stands in a block, valid. */
async function untilExecuted(url: string, raws: readonly Uint8Array[]): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const deadline = performance.now() + EXECUTION_TIMEOUT_MS
  for (const raw of raws) {
    const hash = keccak256(raw)
    for (;;) {
      const status = (await call(agent, url, 'keyroll_getStatus', [hash])) as {
        stage: string
        valid?: boolean
      }
      if (status.valid === true) break
      if (performance.now() > deadline) throw new BenchmarkError(`${hash} is still ${status.stage}`)
      await wait(100)
    }
  }
  agent.destroy()
}

function call(agent: Agent, url: string, method: string, params: readonly Hex[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => {
        const { result, error } = JSON.parse(text) as { result?: unknown; error?: unknown }
        if (error === undefined) resolve(result)
        else reject(new BenchmarkError(`${method}: ${JSON.stringify(error)}`))
      })
    })
    sent.on('error', reject)
    sent.end(body)
  })
}
