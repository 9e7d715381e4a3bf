import { Worker } from 'node:worker_threads'
import type { Hex } from 'viem'
import { fromHex, sha256, toHex } from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'

/** Which proofs stand beside a blob on its way to L1: one for the blob (EIP-4844), or one for each of its 128 cells (EIP-7594). */
export type BlobProofKind = 'blob' | 'cells'

/** Computes KZG commitments and proofs (EIP-4844, EIP-7594). */
export interface Kzg {
  /** Computes the versioned hash of a blob; undefined when the bytes are no blob (a field element of the modulus or more). */
  versionedHash(blob: Uint8Array): Promise<Hex | undefined>
  /** Computes the commitment of a blob, 48 bytes; undefined when the bytes are no blob. */
  commitment(blob: Uint8Array): Promise<Hex | undefined>
  /** Computes the proofs, 48 bytes each, that L1 nodes want beside a blob; undefined when the bytes are no blob. */
  proofs(blob: Uint8Array, kind: BlobProofKind): Promise<readonly Hex[] | undefined>
  close(): Promise<void>
}

type Task = 'commitment' | BlobProofKind
type Answer = { id: number; points: readonly Hex[] | null }

const VERSIONED_HASH_VERSION_KZG = 0x01

/**
 * Plain JavaScript in a string, because a worker's file would have another name in `dist` than in the sources.
 * An error of the library means that the bytes are no blob: nothing else is passed to it.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const kzg = import(workerData.library).then(({ loadKZG }) => loadKZG(0))
const compute = ({ blobToKZGCommitment, computeBlobKZGProof, computeCellsAndKZGProofs }, task, blob) => {
  if (task === 'cells') return computeCellsAndKZGProofs(blob).proofs
  const commitment = blobToKZGCommitment(blob)
  return task === 'blob' ? [computeBlobKZGProof(blob, commitment)] : [commitment]
}
parentPort.on('message', async ({ id, task, blob }) => {
  const library = await kzg
  let points = null
  try {
    points = compute(library, task, '0x' + Buffer.from(blob).toString('hex')).map((point) => point.toLowerCase())
  } catch {}
  parentPort.postMessage({ id, points })
})
`

type Waiting = { resolve: (points: readonly Hex[] | null) => void; reject: (fault: Error) => void }
type Thread = { worker: Worker; waiting: Map<number, Waiting> }

/**
 * Makes a KZG that works in a thread of its own, started with the first blob: loading the trusted setup takes
 * seconds, in which the node must go on answering. A thread that fails is followed by another with the next blob.
 *
 * @param library the module that computes, as `kzg-wasm` does.
 */
export function createKzg({ library = import.meta.resolve('kzg-wasm') }: { library?: string } = {}): Kzg {
  let thread: Thread | undefined
  let lastId = 0

  function start(): Thread {
    const worker = new Worker(WORKER, { eval: true, workerData: { library } })
    const started: Thread = { worker, waiting: new Map() }
    const { waiting } = started
    worker.unref()
    worker.on('message', ({ id, points }: Answer) => {
      waiting.get(id)?.resolve(points)
      waiting.delete(id)
      if (waiting.size === 0) worker.unref()
    })
    worker.on('error', (cause) => fail(started, new TemporaryFault('the KZG thread failed', { cause })))
    worker.on('exit', () => fail(started, new TemporaryFault('the KZG thread ended')))
    return started
  }

  /** What comes late from one thread says nothing of the next. */
  function fail(failed: Thread, fault: TemporaryFault): void {
    if (thread === failed) thread = undefined
    for (const { reject } of failed.waiting.values()) reject(fault)
    failed.waiting.clear()
  }

  async function ask(task: Task, blob: Uint8Array): Promise<readonly Hex[] | undefined> {
    thread ??= start()
    const { worker, waiting } = thread
    const id = ++lastId
    const points = await new Promise<readonly Hex[] | null>((resolve, reject) => {
      waiting.set(id, { resolve, reject })
      worker.ref()
      worker.postMessage({ id, task, blob })
    })
    return points ?? undefined
  }

  async function commitment(blob: Uint8Array): Promise<Hex | undefined> {
    return (await ask('commitment', blob))?.[0]
  }

  return {
    async versionedHash(blob) {
      const point = await commitment(blob)
      return point === undefined ? undefined : commitmentToVersionedHash(point)
    },
    commitment,
    proofs: (blob, kind) => ask(kind, blob),
    async close() {
      await thread?.worker.terminate()
    },
  }
}

/** Makes the versioned hash by which L1 names the blob of a commitment (EIP-4844, `kzg_to_versioned_hash`). */
export function commitmentToVersionedHash(commitment: Hex): Hex {
  const hash = sha256(fromHex(commitment, 48))
  hash[0] = VERSIONED_HASH_VERSION_KZG
  return toHex(hash)
}
