import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Hex } from 'viem'
import { createSignatureVerifier, type Scheme, type SignatureVerifier } from '../../protocol/index.ts'
import type { Logger } from '../Logger.ts'
import { createNativeVerifier } from './NativeVerifier.ts'
import {
  countUnclaimed,
  createP256Ring,
  MAX_MESSAGE_BYTES,
  offerQuestion,
  type P256Question,
  type P256Ring,
  releaseClaims,
  takeAnswer,
} from './p256Ring.ts'

/** Checks signatures ahead of time, in threads of its own. */
export interface ParallelVerifier {
  /** Gives the answers of `createNativeVerifier`, sooner where they were expected. */
  readonly verify: SignatureVerifier
  /**
   * Says that `verify` will likely be asked this. An expectation that does not come true costs only time, and is forgotten
   * when newer ones need its place; when all places are taken by unanswered ones, this one is not taken up.
   */
  readonly expect: (...question: Parameters<SignatureVerifier>) => void
  /** Counts the expected questions that no thread has begun with. */
  readonly backlog: () => number
  /** Ends the threads; `verify` goes on without them. */
  close(): Promise<void>
}

/** A question that was offered to the threads, beside its signature, and the slot where its answer will stand. */
type Expected = { scheme: Scheme; key: Hex; digest: Hex; slot: number }

/** More threads than this are not fed by one thread that executes. */
const MAX_THREADS = 8
/** How long a verification may take in a thread before it is done again: some hundred times as long as it should. */
const PATIENCE_MS = 100
/** Threads that cannot run at all must not be started for ever. */
const MAX_RESTARTS = 32

/**
 * Makes a verifier that checks P-256 signatures, and WebAuthn ones, in as many threads as there are cores (protocol.md §2.2).
 * The threads start with the first expectation. Whoever asks before a thread has begun does the work.
 */
export function createParallelVerifier({
  logger,
  threads = Math.min(availableParallelism(), MAX_THREADS),
}: {
  logger: Logger
  threads?: number
}): ParallelVerifier {
  const verifyHere = createNativeVerifier()
  const ring = createP256Ring()
  const expected = new Map<Hex, Expected>()
  const signatureIn: (Hex | undefined)[] = []
  let workers: Worker[] | undefined
  let restarts = 0
  let closed = false

  function start(place: number): Worker {
    const worker = startThread(ring, place)
    // Nobody waits for a thread, and what one leaves undone is done by whoever asks.
    worker.unref()
    worker.on('error', (error) => logger.error({ err: error }, 'a thread that checks signatures failed'))
    worker.on('exit', () => {
      if (closed) return
      releaseClaims(ring, place)
      if (restarts++ < MAX_RESTARTS && workers !== undefined) workers[place] = start(place)
    })
    return worker
  }

  function forget(slot: number): void {
    const signature = signatureIn[slot]
    if (signature !== undefined && expected.get(signature)?.slot === slot) expected.delete(signature)
    signatureIn[slot] = undefined
  }

  function offer(question: P256Question): number | undefined {
    if (question.message.length > MAX_MESSAGE_BYTES) return undefined
    workers ??= Array.from({ length: threads }, (_, place) => start(place))
    const slot = offerQuestion(ring, question, forget)
    if (slot !== undefined) forget(slot)
    return slot
  }

  let offered: number | undefined
  // The same rules lead to the same question about the curve, which is offered instead of asked.
  const offerSignature = createSignatureVerifier({
    recoverSecp256k1: () => undefined,
    verifyP256(message, rs, key) {
      offered = offer({ message, rs, key })
      return false
    },
  })

  function expect(scheme: Scheme, key: Hex, digest: Hex, signature: Hex): void {
    if (closed || scheme === 1 || expected.has(signature)) return
    offered = undefined
    offerSignature(scheme, key, digest, signature)
    if (offered === undefined) return
    expected.set(signature, { scheme, key, digest, slot: offered })
    signatureIn[offered] = signature
  }

  function takeExpected(scheme: Scheme, key: Hex, digest: Hex, signature: Hex): boolean | undefined {
    const known = expected.get(signature)
    // The whole question is compared, so that no answer can be taken for another's.
    if (known === undefined || known.scheme !== scheme || known.key !== key || known.digest !== digest) {
      return undefined
    }
    forget(known.slot)
    return takeAnswer(ring, known.slot, PATIENCE_MS)
  }

  return {
    verify: (scheme, key, digest, signature) =>
      takeExpected(scheme, key, digest, signature) ?? verifyHere(scheme, key, digest, signature),
    expect,
    backlog: () => countUnclaimed(ring),
    async close() {
      closed = true
      await Promise.all((workers ?? []).map((worker) => worker.terminate()))
    },
  }
}

/** Plain JavaScript that runs a TypeScript module in a thread of any Node, whatever runs the others. */
const FROM_SOURCES = `
const { workerData } = require('node:worker_threads')
import(workerData.tsx).then(({ tsImport }) => tsImport(workerData.module, workerData.module))
`

function startThread(ring: P256Ring, thread: number): Worker {
  const isSource = import.meta.url.endsWith('.ts')
  if (!isSource)
    return new Worker(new URL('./p256Thread.js', import.meta.url), { workerData: { ring, thread } })
  const module = new URL('./p256Thread.ts', import.meta.url).href
  const workerData = { ring, thread, module, tsx: import.meta.resolve('tsx/esm/api') }
  return new Worker(FROM_SOURCES, { eval: true, workerData })
}
