import { setTimeout } from 'node:timers/promises'
import { createPublicClient, http, type PublicClient } from 'viem'
import { type Fetch, TemporaryFault } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'

/**
 * Several L1 nodes as one. A node that has lost touch with L1 answers all the same, and takes transactions that nobody will see:
 * so a node that is behind another is asked last, and transactions are given to all.
 */
export interface L1Nodes {
  /**
   * Asks the nodes one after the other until one answers.
   *
   * @throws {TemporaryFault} when none does; a `KeyrollError` that the question throws is an answer.
   */
  ask<T>(question: (node: PublicClient) => Promise<T>): Promise<T>
  /**
   * Tells all nodes at once. What counts is the answer of the first to be asked of those that give one.
   *
   * @throws {TemporaryFault} when none does.
   */
  tell<T>(message: (node: PublicClient) => Promise<T>): Promise<T>
}

/** What an {@link L1Nodes} is made of. */
export type L1NodesModules = {
  /** In the order to ask them. */
  urls: readonly string[]
  fetchFn?: Fetch | undefined
  /** Milliseconds of any clock. */
  now?: () => number
}

/** Nodes see a block at different moments: only one that is further behind than this has lost touch. */
const MOST_BLOCKS_BEHIND = 2n

/** Milliseconds for which it counts how far a node was. */
const LOOK_AGAIN_MS = 6_000

/** Milliseconds that slow nodes are waited for when another has told how far it is. */
const GRACE_MS = 1_000

/** Makes {@link L1Nodes} of their URLs. */
export function createL1Nodes({ urls, fetchFn, now = Date.now }: L1NodesModules): L1Nodes {
  const nodes = urls.map((url) => ({
    client: createPublicClient({
      transport: http(url, { retryCount: 1, timeout: 15_000, fetchFn }),
      cacheTime: 0,
    }),
    head: 0n,
    look: undefined as Promise<void> | undefined,
  }))
  let lookedAt = Number.NEGATIVE_INFINITY

  async function inOrder(): Promise<readonly PublicClient[]> {
    if (nodes.length > 1 && now() - lookedAt >= LOOK_AGAIN_MS) await look()
    const isBehind = ({ head }: { head: bigint }) =>
      nodes.some((other) => other.head > head + MOST_BLOCKS_BEHIND)
    return [...nodes.filter((node) => !isBehind(node)), ...nodes.filter(isBehind)].map(({ client }) => client)
  }

  /** Looks how far each node is. One that does not answer stays where it was, and so falls behind. */
  async function look(): Promise<void> {
    for (const node of nodes) {
      node.look ??= node.client
        .getBlockNumber()
        .then((head) => {
          node.head = head
        })
        .finally(() => {
          node.look = undefined
        })
    }
    const looks = nodes.map((node) => node.look)
    const ending = new AbortController()
    const grace = Promise.any(looks).then(() => setTimeout(GRACE_MS, undefined, { signal: ending.signal }))
    await Promise.race([Promise.allSettled(looks), grace.catch(() => Promise.allSettled(looks))])
    ending.abort()
    lookedAt = now()
  }

  async function firstAnswer<T>(answers: Iterable<() => Promise<T>>): Promise<T> {
    let failure: unknown
    for (const answer of answers) {
      try {
        return await answer()
      } catch (error) {
        if (error instanceof KeyrollError && !(error instanceof TemporaryFault)) throw error
        failure = error
      }
    }
    if (failure instanceof TemporaryFault) throw failure
    throw new TemporaryFault(`L1 did not answer: ${l1MessageOf(failure)}`, { cause: failure })
  }

  return {
    async ask(question) {
      const clients = await inOrder()
      return firstAnswer(clients.map((client) => () => question(client)))
    },
    async tell(message) {
      const clients = await inOrder()
      const answers = clients.map((client) => message(client))
      // Whoever answers first ends the wait; the others' failures are nobody's concern then.
      for (const answer of answers) answer.catch(() => undefined)
      return firstAnswer(answers.map((answer) => () => answer))
    },
  }
}

/** What a node said, without viem's repetition of the whole request and its calldata. */
export function l1MessageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const details = 'details' in error && typeof error.details === 'string' ? error.details : undefined
  const short =
    'shortMessage' in error && typeof error.shortMessage === 'string' ? error.shortMessage : undefined
  return [short, details].filter((part) => part !== undefined).join(' ') || error.message
}
