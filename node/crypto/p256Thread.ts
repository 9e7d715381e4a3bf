import { workerData } from 'node:worker_threads'
import { lowerPriority } from './lowerPriority.ts'
import { awaitQuestion, claimQuestion, createQuestionMemory, giveAnswer, type P256Ring } from './p256Ring.ts'
import { verifyP256Once } from './verifyP256Once.ts'

// A thread of the parallel verifier: it answers questions until it is terminated.
const { ring, thread }: { ring: P256Ring; thread: number } = workerData
const memory = createQuestionMemory()

// The thread that executes finds the questions: where cores are short it comes first, or these would soon have nothing to do.
lowerPriority()

for (;;) {
  const claimed = claimQuestion(ring, thread, memory)
  if (claimed === undefined) {
    awaitQuestion(ring)
    continue
  }
  const { message, rs, key } = claimed.question
  giveAnswer(ring, claimed.slot, await verifyP256Once(message, rs, key))
}
