import { workerData } from 'node:worker_threads'
import { createNativePrimitives } from './NativeVerifier.ts'
import { answerOne, awaitQuestion, type P256Ring } from './p256Ring.ts'

// A thread of the parallel verifier: it answers questions until it is terminated.
const { ring }: { ring: P256Ring } = workerData
const { verifyP256 } = createNativePrimitives(0)

for (;;) {
  while (answerOne(ring, ({ message, rs, key }) => verifyP256(message, rs, key)));
  awaitQuestion(ring)
}
