import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** Accepts connections on a free port of the loopback interface, and never answers; `connected` resolves at the first. */
export async function startSilentServer(): Promise<{
  url: string
  connected: Promise<unknown>
  connections: () => number
  close: () => void
}> {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined)))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    connected: once(server, 'connection'),
    connections: () => sockets.length,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
