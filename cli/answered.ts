import { type Party, UnansweredError } from '../prover/index.ts'

/**
 * Awaits what viem reads from a party's node.
 *
 * @throws {UnansweredError} when there is no answer.
 */
export async function answered<T>(party: Party, question: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading
  } catch (cause) {
    throw new UnansweredError(party, question, { cause })
  }
}
