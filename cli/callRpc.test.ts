import { afterEach, describe, expect, it } from 'vitest'
import { startHttpServer } from '../test/httpServer.ts'
import { startTricklingServer } from '../test/tricklingServer.ts'
import { callRpc } from './callRpc.ts'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

/** Starts a server that answers everything with one body. */
async function answering(body: string): Promise<string> {
  const { url, close } = await startHttpServer(async () => new Response(body))
  closing.push(close)
  return url
}

describe('callRpc', () => {
  it('returns the result, also when it is null', async () => {
    expect(await callRpc(await answering('{"jsonrpc":"2.0","id":1,"result":null}'), 'eth_x', [])).toBeNull()
  })

  it('takes an error that is null for none', async () => {
    const url = await answering('{"jsonrpc":"2.0","id":1,"result":"0x1","error":null}')
    expect(await callRpc(url, 'eth_x', [])).toBe('0x1')
    await expect(callRpc(await answering('{"error":null}'), 'eth_x', [])).rejects.toThrow(/not JSON-RPC/)
  })

  it('sends user and password of the URL in a header', async () => {
    const { url, close } = await startHttpServer(async (_path, _body, { authorization }) =>
      Response.json({ jsonrpc: '2.0', id: 1, result: authorization }),
    )
    closing.push(close)
    const given = url.replace('http://', 'http://user:secret@')
    expect(await callRpc(given, 'eth_x', [])).toBe(`Basic ${btoa('user:secret')}`)
  })

  it('gives up an answer that begins and never ends', async () => {
    const { url, close } = await startTricklingServer()
    closing.push(close)
    await expect(callRpc(url, 'eth_x', [], 100)).rejects.toThrow(`${url} does not answer`)
  })

  it('repeats the reason of a refusal', async () => {
    const error = {
      code: -32003,
      message: 'the keystore is past this nonce',
      data: { reason: 'NONCE_TOO_LOW' },
    }
    const url = await answering(JSON.stringify({ jsonrpc: '2.0', id: 1, error }))
    await expect(callRpc(url, 'keyroll_sendConfig', ['0x'])).rejects.toThrow(
      'keyroll_sendConfig was refused: the keystore is past this nonce (code -32003, {"reason":"NONCE_TOO_LOW"})',
    )
  })

  it.each(['not JSON', '{}', '[]', 'null'])('says that %s is no answer', async (body) => {
    await expect(callRpc(await answering(body), 'eth_x', [])).rejects.toThrow(/JSON-RPC/)
  })

  it('names no more of a URL than its origin, which may hold a key', async () => {
    const url = await answering('{}')
    await expect(callRpc(`${url}/v3/secret`, 'eth_x', [])).rejects.toThrow(`${url} answered eth_x`)
    const nobody = callRpc('http://127.0.0.1:1/v3/secret', 'eth_x', [])
    await expect(nobody).rejects.toThrow('http://127.0.0.1:1 does not answer')
  })

  it('says that nobody answers', async () => {
    await expect(callRpc('http://127.0.0.1:1', 'eth_x', [])).rejects.toThrow('is the URL right')
  })
})
