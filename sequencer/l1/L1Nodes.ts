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
   * Tells all nodes at once. What counts is the first answer that says it was taken; without any, that of the first to be asked.
   *
   * @throws {TemporaryFault} when no node answers.
   */
  tell<T>(message: (node: PublicClient) => Promise<T>, isTaken: (answer: T) => boolean): Promise<T>
}

/** What an {@link L1Nodes} is made of. */
export type L1NodesModules = {
  /** In the order to ask them. */
  urls: readonly string[]
  fetchFn?: Fetch | undefined
  /** Milliseconds since the epoch. */
  now?: () => number
}

/** By how many milliseconds a node's newest block may be older than another's; three slots. Blocks reach nodes at different moments. */
const MOST_BEHIND_MS = 36_000

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
    newest: 0,
    look: undefined as Promise<void> | undefined,
  }))
  let lookedAt = Number.NEGATIVE_INFINITY

  async function inOrder(): Promise<readonly PublicClient[]> {
    if (nodes.length > 1 && now() - lookedAt >= LOOK_AGAIN_MS) await look()
    const isBehind = ({ newest }: { newest: number }) =>
      nodes.some((other) => other.newest > newest + MOST_BEHIND_MS)
    return [...nodes.filter((node) => !isBehind(node)), ...nodes.filter(isBehind)].map(({ client }) => client)
  }

  /**
   * Looks how far each node is, by the time of its newest block: no node can say more than that it is up to date, and so put others
   * behind itself that are. One that does not answer stays where it was, and falls behind.
   */
  async function look(): Promise<void> {
    for (const node of nodes) {
      node.look ??= node.client
        .getBlock({ blockTag: 'latest' })
        .then(({ timestamp }) => {
          node.newest = Math.min(Number(timestamp) * 1_000, now())
        })
        .finally(() => {
          node.look = undefined
        })
    }
    await settledSoon(nodes.map(({ look }) => look))
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
    async tell(message, isTaken) {
      const answers = (await inOrder()).map((client) => message(client))
      const said = answers.map(() => undefined as { answer: Awaited<(typeof answers)[number]> } | undefined)
      const firstTaken = Promise.any(
        answers.map(async (answer, i) => {
          said[i] = { answer: await answer }
          if (!isTaken(said[i].answer)) throw new TemporaryFault('it was not taken')
        }),
      )
      await Promise.race([firstTaken.catch(() => undefined), settledSoon(answers)])
      const given = said.filter((each) => each !== undefined)
      const best = given.find(({ answer }) => isTaken(answer)) ?? given[0]
      return best === undefined ? firstAnswer(answers.map((answer) => () => answer)) : best.answer
    },
  }
}

/** Resolves when all have come to an end, or soon after the first has answered. */
async function settledSoon(questions: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const all = Promise.allSettled(questions)
  const ending = new AbortController()
  const grace = Promise.any(questions).then(() => setTimeout(GRACE_MS, undefined, { signal: ending.signal }))
  await Promise.race([all, grace.catch(() => all)])
  ending.abort()
}

/** What a node said, without viem's repetition of the whole request and its calldata. */
export function l1MessageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const details = 'details' in error && typeof error.details === 'string' ? error.details : undefined
  const short =
    'shortMessage' in error && typeof error.shortMessage === 'string' ? error.shortMessage : undefined
  return [short, details].filter((part) => part !== undefined).join(' ') || error.message
}
