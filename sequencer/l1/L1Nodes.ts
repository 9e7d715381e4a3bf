import { setTimeout } from 'node:timers/promises'
import { BaseError, createPublicClient, http, type PublicClient, RpcRequestError } from 'viem'
import { CriticalFault, type Fetch, type Logger, TemporaryFault } from '../../node/index.ts'
import { KeyrollError } from '../../protocol/index.ts'

/**
 * Several L1 nodes as one. A node that has lost touch with L1 answers all the same, and takes transactions that nobody will see:
 * so a node that is behind another is asked last, and transactions are given to all. One of another chain answers too, with nonces by
 * which transactions seem lost: so each is asked for its chain before anything else, and again when it has failed.
 *
 * Both methods throw `CriticalFault` when every node is of another chain.
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
  /** Nodes of other chains are left out. */
  chainId: bigint
  /** Hears of nodes that are left out, by their hosts; nothing else of a URL is logged. */
  logger?: Logger | undefined
  fetchFn?: Fetch | undefined
  /** Milliseconds since the epoch. */
  now?: () => number
}

type Node = {
  name: string
  client: PublicClient
  /** The chain that it said it is of; undefined before it did, and since it failed. */
  chainId: bigint | undefined
  /** The time of its newest block, in milliseconds since the epoch. */
  newest: number
  look: Promise<void> | undefined
}

/** By how many milliseconds a node's newest block may be older than another's; three slots. Blocks reach nodes at different moments. */
const MOST_BEHIND_MS = 36_000

/** Milliseconds for which it counts how far a node was. */
const LOOK_AGAIN_MS = 6_000

/** Milliseconds that slow nodes are waited for when another has told how far it is. */
const GRACE_MS = 1_000

/** So much of a message is told, in characters: it may be a proxy's page. */
export const LONGEST_PART = 400

/** Makes {@link L1Nodes} of their URLs. */
export function createL1Nodes({ urls, chainId, logger, fetchFn, now = Date.now }: L1NodesModules): L1Nodes {
  const transport = { retryCount: 1, timeout: 15_000, fetchFn: withOwnAnswers(fetchFn) }
  const nodes = urls.map(
    (url): Node => ({
      name: new URL(url).host,
      client: createPublicClient({ transport: http(url, transport), cacheTime: 0 }),
      chainId: undefined,
      newest: 0,
      look: undefined,
    }),
  )
  let lookedAt = Number.NEGATIVE_INFINITY

  async function inOrder(): Promise<readonly Node[]> {
    // A clock that was set back does not tell how long ago that was.
    if (nodes.length > 1 && Math.abs(now() - lookedAt) >= LOOK_AGAIN_MS) await look()
    const isBehind = ({ newest }: Node) => nodes.some((other) => other.newest > newest + MOST_BEHIND_MS)
    return [...nodes.filter((node) => !isBehind(node)), ...nodes.filter(isBehind)]
  }

  /**
   * Looks how far each node is, by the time of its newest block: no node can say more than that it is up to date, and so put others
   * behind itself that are. One that does not answer stays where it was, and falls behind.
   */
  async function look(): Promise<void> {
    for (const node of nodes) {
      node.look ??= askOne(node, (client) => client.getBlock({ blockTag: 'latest' }))
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

  async function askOne<T>(node: Node, question: (client: PublicClient) => Promise<T>): Promise<T> {
    await assertChain(node)
    try {
      return await question(node.client)
    } catch (error) {
      // What answers next at its URL may be another node.
      if (!isAnswer(error)) node.chainId = undefined
      throw error
    }
  }

  async function assertChain(node: Node): Promise<void> {
    if (node.chainId === chainId) return
    const found = BigInt(await node.client.getChainId())
    const isNews = found !== node.chainId
    node.chainId = found
    if (found === chainId) return
    if (isNews) {
      logger?.warn(
        { node: node.name, chainId: found, expected: chainId },
        'an L1 node is of another chain; it is left out',
      )
    }
    throw new OtherChainError(found)
  }

  async function firstAnswer<T>(answers: Iterable<() => Promise<T>>): Promise<T> {
    const others: bigint[] = []
    let failure: unknown
    for (const answer of answers) {
      try {
        return await answer()
      } catch (error) {
        if (isAnswer(error)) throw error
        if (error instanceof OtherChainError) others.push(error.chainId)
        else failure = error
      }
    }
    if (others.length === nodes.length)
      throw new CriticalFault(
        `got an L1 node of chain ${others.join(', ')}, expected ${chainId}: check the L1 URL`,
      )
    if (failure instanceof TemporaryFault) throw failure
    // Its cause is left out: it holds the whole request, which may be six blobs, and whoever logs it writes megabytes.
    throw new TemporaryFault(`L1 did not answer: ${l1MessageOf(failure)}`)
  }

  return {
    async ask(question) {
      const ordered = await inOrder()
      return firstAnswer(ordered.map((node) => () => askOne(node, question)))
    },
    async tell(message, isTaken) {
      const answers = (await inOrder()).map((node) => askOne(node, message))
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

/** What a question throws of its own says nothing against the node. */
function isAnswer(error: unknown): boolean {
  return (
    error instanceof KeyrollError && !(error instanceof TemporaryFault || error instanceof OtherChainError)
  )
}

/** Resolves when all have come to an end, or soon after the first has answered. */
async function settledSoon(questions: readonly (Promise<unknown> | undefined)[]): Promise<void> {
  const all = Promise.allSettled(questions)
  const ending = new AbortController()
  const grace = Promise.any(questions).then(() => setTimeout(GRACE_MS, undefined, { signal: ending.signal }))
  await Promise.race([all, grace.catch(() => all)])
  ending.abort()
}

/** Makes a `fetch` that takes no answer to another JSON-RPC request for the one to its own: viem does not look at ids. */
function withOwnAnswers(fetchFn: Fetch = fetch): Fetch {
  return async (input, init) => {
    const response = await fetchFn(input, init)
    const text = await response.text()
    const answer = parsed(text)
    // An error need not have the id: the node may not have understood as much as that. Some gateways make a string of it.
    const isAnswer = answer?.result !== undefined && (answer.error ?? undefined) === undefined
    if (isAnswer && String(answer.id) !== String(parsed(String(init?.body))?.id))
      throw new TypeError('it gave the answer to another question')
    const { status, statusText, headers } = response
    return new Response(text === '' ? null : text, { status, statusText, headers })
  }
}

function parsed(text: string): Partial<Record<'id' | 'result' | 'error', unknown>> | undefined {
  try {
    return Object(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** What a node said, without viem's repetition of the whole request and its calldata; or what kept it from saying anything. */
export function l1MessageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const short =
    'shortMessage' in error && typeof error.shortMessage === 'string' ? error.shortMessage : undefined
  // Without viem's words it was no answer that viem could read.
  const said = [short ?? `got no good answer: ${error.message}`, detailsOf(error), codeOf(error)].map(
    (part) => part?.slice(0, LONGEST_PART),
  )
  return said.filter((part) => part !== undefined).join(' ')
}

/**
 * What a node itself said of a request; undefined where it did not answer, or somebody before it did. Its errors have codes of
 * JSON-RPC, a proxy's none, or the HTTP status.
 */
export function nodeMessageOf(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) return undefined
  const refusal = error.walk((cause) => cause instanceof RpcRequestError)
  return refusal instanceof RpcRequestError && refusal.code < 100 ? error.details : undefined
}

function detailsOf(error: unknown): string | undefined {
  return error instanceof Error && 'details' in error && typeof error.details === 'string'
    ? error.details
    : undefined
}

/** Why a connection failed, such as `ECONNRESET`, which stands below what `fetch` throws. */
function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return `(${at.code})`
  }
  return undefined
}

/** Reports a node of another chain, which is asked for nothing else. */
class OtherChainError extends KeyrollError {
  override readonly name = 'OtherChainError'
  readonly chainId: bigint
  constructor(chainId: bigint) {
    super(`got an L1 node of chain ${chainId}`)
    this.chainId = chainId
  }
}
