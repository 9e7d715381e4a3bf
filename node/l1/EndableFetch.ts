/** The part of `fetch` that clients of RPC and REST APIs use. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** Longer than any good answer takes to the last byte; clients give up sooner on one that does not begin. */
const ANSWER_TIMEOUT_MS = 60_000

/**
 * Makes a `fetch` that waits for no peer too long: its requests end, the bodies of answers included, after a while, and when the
 * signal aborts.
 */
export function createEndableFetch({
  signal,
  timeoutMs = ANSWER_TIMEOUT_MS,
}: {
  signal?: AbortSignal | undefined
  timeoutMs?: number
}): Fetch {
  // Each request has a controller of its own: what listens to a signal that lives as long as the process adds up.
  const underWay = new Set<AbortController>()
  const endAll = () => {
    for (const request of underWay) request.abort(signal?.reason)
  }
  signal?.addEventListener('abort', endAll, { once: true })

  return async (input, init) => {
    signal?.throwIfAborted()
    const own = new AbortController()
    const isOver = () => underWay.delete(own)
    underWay.add(own)
    try {
      const signals = [AbortSignal.timeout(timeoutMs), own.signal]
      if (init?.signal) signals.push(init.signal)
      const response = await fetch(input, { ...init, signal: AbortSignal.any(signals) })
      return watched(response, isOver)
    } catch (error) {
      isOver()
      throw error
    }
  }
}

/** Makes the same answer, of whose body it is known when it has been read, or will not be. */
function watched(response: Response, onEnd: () => void): Response {
  const { body } = response
  if (body === null) {
    onEnd()
    return response
  }
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  // Whoever reads hears of what goes wrong.
  body.pipeTo(writable).then(onEnd, onEnd)
  return new Response(readable, response)
}
