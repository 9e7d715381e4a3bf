import type { Logger } from '../Logger.ts'

/** Remembers which of several L1 nodes answer well, so that those that do not are asked last. */
export interface NodeOrder {
  /** Lists the nodes in the order to ask them: first the preferred one, and those that rest at the end. */
  list(): readonly number[]
  /** Tells whether a node failed lately. */
  isResting(index: number): boolean
  /** Asks a node first from now on. */
  prefer(index: number): void
  /** Ends a node's row of failures, if its rest is over. */
  succeeded(index: number): void
  /** Lets a node rest, longer with each failure in a row. */
  failed(index: number, reason: string): void
}

const FIRST_REST_MS = 1_000
const LAST_REST_MS = 60_000

/** Makes the order of nodes of these names; a node that begins to rest, and one that is back, is logged. */
export function createNodeOrder({
  names,
  logger,
  now = Date.now,
}: {
  names: readonly string[]
  logger?: Logger | undefined
  now?: (() => number) | undefined
}): NodeOrder {
  const nodes = names.map((name, index) => ({ name, index, failures: 0, restUntil: 0 }))
  let preferred = 0
  const isResting = (index: number) => (nodes[index]?.restUntil ?? 0) > now()

  return {
    list() {
      const ring = [...nodes.slice(preferred), ...nodes.slice(0, preferred)].map(({ index }) => index)
      return [...ring.filter((index) => !isResting(index)), ...ring.filter(isResting)]
    },
    isResting,
    prefer(index) {
      preferred = index
    },
    succeeded(index) {
      const node = nodes[index]
      // A node that answers now and then is not back: it would fill the log.
      if (node === undefined || node.failures === 0 || isResting(index)) return
      logger?.info({ node: node.name }, 'an L1 node answers again')
      node.failures = 0
    },
    failed(index, reason) {
      const node = nodes[index]
      if (node === undefined || isResting(index)) return
      const restMs = Math.min(FIRST_REST_MS * 2 ** node.failures, LAST_REST_MS)
      node.failures++
      node.restUntil = now() + restMs
      logger?.warn({ node: node.name, reason, restMs }, 'an L1 node fails; others are asked first')
    },
  }
}
