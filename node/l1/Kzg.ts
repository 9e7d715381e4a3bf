import { Worker } from 'node:worker_threads'
import type { Hex } from 'viem'
import { fromHex, sha256, toHex } from '../../protocol/index.ts'
import { TemporaryFault } from '../Fault.ts'
import type { Logger } from '../Logger.ts'

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

/** A module that computes, by its address, and how it is asked: as `@crate-crypto/node-eth-kzg` or as `kzg-wasm`. */
export type KzgLibrary = { kind: 'native' | 'wasm'; module: string }

type Task = 'commitment' | BlobProofKind
type Answer = { id: number; points: readonly Hex[] | null }
/** Why the libraries before the one that is used could not be loaded. */
type Unavailable = { reasons: readonly string[] }

const VERSIONED_HASH_VERSION_KZG = 0x01

/**
 * Plain JavaScript in a string, because a worker's file would have another name in `dist` than in the sources.
 * An error of the library means that the bytes are no blob: nothing else is passed to it.
 */
const WORKER = `
const { parentPort, workerData } = require('node:worker_threads')
const toHex = (bytes) => '0x' + Buffer.from(bytes).toString('hex')
const load = {
  async native(module) {
    const { default: { DasContextJs } } = await import(module)
    const kzg = DasContextJs.create({ usePrecomp: false })
    return {
      commitment: (blob) => [toHex(kzg.blobToKzgCommitment(blob))],
      blob: (blob) => [toHex(kzg.computeBlobKzgProof(blob, kzg.blobToKzgCommitment(blob)))],
      cells: (blob) => kzg.computeCellsAndKzgProofs(blob).proofs.map(toHex),
    }
  },
  async wasm(module) {
    const { loadKZG } = await import(module)
    const kzg = await loadKZG(0)
    return {
      commitment: (blob) => [kzg.blobToKZGCommitment(toHex(blob))],
      blob: (blob) => [kzg.computeBlobKZGProof(toHex(blob), kzg.blobToKZGCommitment(toHex(blob)))],
      cells: (blob) => kzg.computeCellsAndKZGProofs(toHex(blob)).proofs,
    }
  },
}
const loadFirst = async () => {
  const reasons = []
  for (const { kind, module } of workerData.libraries) {
    try {
      const library = await load[kind](module)
      if (reasons.length > 0) parentPort.postMessage({ reasons })
      return library
    } catch (error) {
      reasons.push(kind + ': ' + error.message)
    }
  }
  throw new Error('no KZG library can be loaded (' + reasons.join('; ') + ')')
}
const loaded = loadFirst()
parentPort.on('message', async ({ id, task, blob }) => {
  const library = await loaded
  let points = null
  try {
    points = library[task](blob).map((point) => point.toLowerCase())
  } catch {}
  parentPort.postMessage({ id, points })
})
`

type Waiting = { resolve: (points: readonly Hex[] | null) => void; reject: (fault: Error) => void }
type Thread = { worker: Worker; waiting: Map<number, Waiting> }

const LIBRARIES: readonly KzgLibrary[] = [
  { kind: 'native', module: import.meta.resolve('@crate-crypto/node-eth-kzg') },
  { kind: 'wasm', module: import.meta.resolve('kzg-wasm') },
]

/**
 * Makes a KZG that works in a thread of its own, started with the first blob: loading the trusted setup takes
 * seconds, in which the node must go on answering. A thread that fails is followed by another with the next blob.
 *
 * @param libraries what may compute, the best first; one that cannot be loaded here is passed over, with a warning (ADR 6).
 */
export function createKzg({
  logger,
  libraries = LIBRARIES,
}: {
  logger?: Logger | undefined
  libraries?: readonly KzgLibrary[]
} = {}): Kzg {
  let thread: Thread | undefined
  let lastId = 0

  function start(): Thread {
    const worker = new Worker(WORKER, { eval: true, workerData: { libraries } })
    const started: Thread = { worker, waiting: new Map() }
    const { waiting } = started
    worker.unref()
    worker.on('message', (message: Answer | Unavailable) => {
      if ('reasons' in message) {
        logger?.warn(message, 'KZG commitments are computed by a slower library')
        return
      }
      const { id, points } = message
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
