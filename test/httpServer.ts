import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Serves a test's own answers over HTTP on a free port of the loopback interface. */
export async function startHttpServer(
  answer: (path: string, body: string, headers: IncomingHttpHeaders) => Promise<Response>,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer(async (request, response) => {
    let asked = ''
    for await (const part of request.setEncoding('utf8')) asked += part
    const { status, headers, body } = await read(await answer(request.url ?? '/', asked, request.headers))
    response.writeHead(status, headers).end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => new Promise<void>((resolve) => void server.close(() => resolve()))
  return { url: `http://127.0.0.1:${port}`, close }
}

async function read(response: Response) {
  const headers = Object.fromEntries(response.headers)
  return { status: response.status, headers, body: new Uint8Array(await response.arrayBuffer()) }
}
