import type { Hex } from 'viem'
import { createLogger, createMetrics, createReadMethods, createRpcServer } from '../node/index.ts'
import { fromHex, keccak, verifyTrieProof } from '../protocol/index.ts'
import { buildBlocks, createBenchRollup, openBenchChain } from './chain.ts'
import { createBenchKeystore, rotate } from './keystores.ts'
import { type Benchmark, BenchmarkError, measurement, quantile } from './report.ts'

/**
 * Latency of `keyroll_getConfigProof` over HTTP, one call at a time, at random keystores of a chain on disk. Every
 * answer's storage proof is verified (outside the timed part).
 */
export const benchmarkProof: Benchmark = async ({ smoke }) => {
  const keystores = smoke ? 200 : 20_000
  const calls = smoke ? 50 : 5_000
  const rollup = createBenchRollup()
  const chain = await openBenchChain(rollup)
  try {
    const ids: Hex[] = []
    await buildBlocks(chain, rollup, rotations(keystores, rollup.l2ChainId, ids))
    const l1 = { number: 1n, hash: rollup.genesis.l1.hash, parentHash: rollup.genesis.l1.hash, timestamp: 0n }
    const server = await createRpcServer({
      methods: createReadMethods({
        store: chain.store,
        engine: chain.engine,
        rollup,
        version: 'bench',
        syncing: () => undefined,
        l1Status: () => ({ current: l1, head: l1, safe: l1, finalized: l1 }),
      }),
      host: '127.0.0.1',
      port: 0,
      logger: createLogger({ level: 'silent' }),
      metrics: createMetrics(),
      readiness: () => [],
    })
    try {
      const samples: number[] = []
      for (let i = 0; i < calls; i++) {
        const id = ids[Math.floor(Math.random() * ids.length)] as Hex
        const start = performance.now()
        const response = await fetch(server.url, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({
            jsonrpc: '2.0',
            id: i,
            method: 'keyroll_getConfigProof',
            params: [id, 'latest'],
          }),
        })
        const { result } = (await response.json()) as { result: ConfigProof }
        samples.push(performance.now() - start)
        const proof = result.storageProof.map((node) => fromHex(node))
        if (verifyTrieProof(result.keystoreRoot, keccak(fromHex(id)), proof) === undefined) {
          throw new BenchmarkError(`the proof shows no config of keystore ${id}`)
        }
      }
      return [
        measurement('proof.config.p50', quantile(samples, 0.5), 'ms'),
        measurement('proof.config.p99', quantile(samples, 0.99), 'ms'),
      ]
    } finally {
      await server.close()
    }
  } finally {
    await chain.close()
  }
}

type ConfigProof = { keystoreRoot: Hex; storageProof: Hex[] }

function* rotations(count: number, chainId: bigint, ids: Hex[]): Generator<Uint8Array> {
  for (let i = 0; i < count; i++) {
    const { raw, after } = rotate(createBenchKeystore(1), chainId)
    ids.push(after.id)
    yield raw
  }
}
