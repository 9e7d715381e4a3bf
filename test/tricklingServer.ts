import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const DROP_INTERVAL_MS = 20

/** Serves answers over HTTP on a free port of the loopback interface that begin at once, and never end. */
export async function startTricklingServer(): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    const dripping = setInterval(() => response.write(' '), DROP_INTERVAL_MS)
    response.on('close', () => clearInterval(dripping))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, close }
}
