import { beforeEach, describe, expect, it } from 'vitest'
import { type Block, blockFromRlp, fromHex } from '../../protocol/index.ts'
import { openTestChain, type TestChain } from '../../test/TestChain.ts'
import type { RpcContext } from './RpcDispatcher.ts'
import { createSignedBlockMethods, type SignedBlockJson } from './SignedBlockMethods.ts'
import { createSubscriptionMethods } from './SubscriptionMethods.ts'

const signature = { signature: `0x${'5e'.repeat(65)}`, signer: `0x${'51'.repeat(20)}` } as const
/** Blocks with an even number have a signature. */
const findSignature = ({ header }: Block) => (header.number % 2n === 0n ? signature : undefined)

let chain: TestChain
let blocks: Block[]
const told: unknown[] = []
const socket: RpcContext = {
  notify: (_, params) => told.push((params as { result: unknown }).result),
  onClose: () => undefined,
}

beforeEach(async () => {
  chain = await openTestChain()
  blocks = [await chain.build(), await chain.build()]
  told.length = 0
})

const decode = ({ block }: SignedBlockJson) => blockFromRlp(fromHex(block))

describe('keyroll_getSignedBlock', () => {
  it('gives the bytes of a block by number, tag and hash, with its signature', () => {
    const { keyroll_getSignedBlock: get } = createSignedBlockMethods(chain.store, findSignature)
    for (const name of ['0x2', 'latest', blocks[1]?.hash, { blockNumber: '0x2' }]) {
      const answer = get?.([name], socket) as SignedBlockJson
      expect(answer).toMatchObject(signature)
      expect(decode(answer)).toEqual(blocks[1])
    }
  })

  it('gives null where there is no block or no signature, and refuses what names no block', () => {
    const { keyroll_getSignedBlock: get } = createSignedBlockMethods(chain.store, findSignature)
    for (const name of ['0x1', '0x3', `0x${'00'.repeat(32)}`]) expect(get?.([name], socket)).toBeNull()
    expect(() => get?.(['two'], socket)).toThrow(/expected block/)
  })
})

describe('eth_subscribe signedBlocks', () => {
  it('tells each new block that has a signature, also those built after a rewind', async () => {
    const { eth_subscribe: subscribe } = createSubscriptionMethods(chain.engine, findSignature)
    subscribe?.(['signedBlocks'], socket)
    const built = [await chain.build(), await chain.build()]
    await chain.engine.reset(2n)
    built.push(await chain.build(), await chain.build())
    expect(told.map((json) => decode(json as SignedBlockJson))).toEqual([built[1], built[3]])
    expect(told[0]).toMatchObject(signature)
  })

  it('is not offered by a node that has no signatures', () => {
    const { eth_subscribe: subscribe } = createSubscriptionMethods(chain.engine)
    expect(() => subscribe?.(['signedBlocks'], socket)).toThrow(/newHeads or logs/)
  })
})
