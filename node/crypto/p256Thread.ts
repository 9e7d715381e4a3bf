import { workerData } from 'node:worker_threads'
import { createNativePrimitives } from './NativeVerifier.ts'
import { answerOne, awaitQuestion, type P256Ring } from './p256Ring.ts'

// A thread of the parallel verifier: it answers questions until it is terminated.
const { ring, thread }: { ring: P256Ring; thread: number } = workerData
const { verifyP256 } = createNativePrimitives(0)

for (;;) {
  while (answerOne(ring, thread, ({ message, rs, key }) => verifyP256(message, rs, key)));
  awaitQuestion(ring)
}
