import { encodeAbiParameters, type Hex } from 'viem'
import { afterEach, describe, expect, it } from 'vitest'
import { TemporaryFault } from '../../node/index.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { TEST_ROLLUP } from '../../test/TestChain.ts'
import { createPromiseSignerReader } from './readPromiseSigner.ts'

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

const [alice, bob]: [Hex, Hex] = [`0x${'a1'.repeat(20)}`, `0x${'b0'.repeat(20)}`]

/** Serves an L1 node that names a promise signer, is down, or hangs. */
async function startNode(signer: Hex | 'hangs' | undefined): Promise<string> {
  let end = () => {}
  const ended = new Promise<void>((resolve) => {
    end = resolve
  })
  const { url, close } = await startHttpServer(async (_, body) => {
    if (signer === 'hangs') {
      await ended
      return Response.json({ jsonrpc: '2.0', id: 1, result: '0x' })
    }
    if (signer === undefined) return new Response('down', { status: 503 })
    const { id } = JSON.parse(body) as { id: number }
    return Response.json({ jsonrpc: '2.0', id, result: encodeAbiParameters([{ type: 'address' }], [signer]) })
  })
  closers.push(async () => {
    end()
    await close()
  })
  return url
}

async function read(quorum: number | undefined, ...signers: readonly (Hex | 'hangs' | undefined)[]) {
  const urls = await Promise.all(signers.map(startNode))
  return createPromiseSignerReader({ urls, quorum, rollup: TEST_ROLLUP })()
}

describe('createPromiseSignerReader', () => {
  it('believes the first of the nodes that answers when one is enough', async () => {
    expect(await read(undefined, undefined, alice)).toBe(alice)
  })

  it('believes what enough nodes say', async () => {
    expect(await read(2, bob, alice, alice)).toBe(alice)
    expect(await read(2, alice, undefined, alice)).toBe(alice)
  })

  it('waits for no node that hangs once enough have said the same', async () => {
    expect(await read(1, 'hangs', alice)).toBe(alice)
    expect(await read(2, alice, 'hangs', alice)).toBe(alice)
  })

  it('believes nobody when fewer agree', async () => {
    await expect(read(2, alice, bob)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(read(2, alice, undefined)).rejects.toBeInstanceOf(TemporaryFault)
    await expect(read(1, undefined)).rejects.toBeInstanceOf(TemporaryFault)
  })
})
