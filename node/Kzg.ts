import { Worker } from 'node:worker_threads'
import type { Hex } from 'viem'
import { fromHex, sha256, toHex } from '../protocol/index.ts'
import { TemporaryFault } from './Fault.ts'

/** Computes KZG commitments (EIP-4844). */
export interface Kzg {
  /** Computes the versioned hash of a blob; undefined when the bytes are no blob (a field element of the modulus or more). */
  versionedHash(blob: Uint8Array): Promise<Hex | undefined>
  close(): Promise<void>
}

type Answer = { id: number; commitment: Hex | null }

const VERSIONED_HASH_VERSION_KZG = 0x01

/**
 * Plain JavaScript in a string, because a worker's file would have another name in `dist` than in the sources.
 * An error of the library means that the bytes are no blob: nothing else is passed to it.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const kzg = import(workerData.library).then(({ loadKZG }) => loadKZG(0))
parentPort.on('message', async ({ id, blob }) => {
  const { blobToKZGCommitment } = await kzg
  let commitment = null
  try {
    commitment = blobToKZGCommitment('0x' + Buffer.from(blob).toString('hex')).toLowerCase()
  } catch {}
  parentPort.postMessage({ id, commitment })
})
`

/**
 * Makes a KZG that works in a thread of its own, started with the first blob: loading the trusted setup takes
 * seconds, in which the node must go on answering.
 */
export function createKzg(): Kzg {
  const waiting = new Map<
    number,
    { resolve: (commitment: Hex | null) => void; reject: (fault: Error) => void }
  >()
  let worker: Worker | undefined
  let lastId = 0

  function start(): Worker {
    const started = new Worker(WORKER, {
      eval: true,
      workerData: { library: import.meta.resolve('kzg-wasm') },
    })
    started.unref()
    started.on('message', ({ id, commitment }: Answer) => {
      waiting.get(id)?.resolve(commitment)
      waiting.delete(id)
      if (waiting.size === 0) started.unref()
    })
    started.on('error', (cause) => fail(new TemporaryFault('the KZG thread failed', { cause })))
    started.on('exit', () => fail(new TemporaryFault('the KZG thread ended')))
    return started
  }

  function fail(fault: TemporaryFault): void {
    worker = undefined
    for (const { reject } of waiting.values()) reject(fault)
    waiting.clear()
  }

  return {
    async versionedHash(blob) {
      const running = worker ?? start()
      worker = running
      const id = ++lastId
      const commitment = await new Promise<Hex | null>((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        running.ref()
        running.postMessage({ id, blob })
      })
      if (commitment === null) return undefined
      const hash = sha256(fromHex(commitment, 48))
      hash[0] = VERSIONED_HASH_VERSION_KZG
      return toHex(hash)
    },
    async close() {
      await worker?.terminate()
    },
  }
}
