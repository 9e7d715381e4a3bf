import type { Http } from '../node/index.ts'

/** Makes an HTTP client, as L1 is asked with, of a test's own answers to URLs and bodies. */
export function httpOf(answer: (url: string, body: string | undefined) => Promise<Response>): Http {
  return async ({ url, body }, take) => {
    const response = await answer(url, body)
    if (response.body !== null) for await (const part of response.body) take(part)
    const mediaType = response.headers.get('content-type')?.split(';', 1)[0]
    return { status: response.status, mediaType }
  }
}
