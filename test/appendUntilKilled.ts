// Appends blocks to the store in argv[2] and sends the number of each that is on disk, until it is killed.

import { openChainStore } from '../node/index.ts'
import { stateTransition, verifySignature } from '../protocol/index.ts'
import { attributesOn, createTestKeystore, createTestRollup, fakeHash } from './chainFixtures.ts'

const rollup = createTestRollup()
const { raws } = createTestKeystore(rollup, 'alice', 6)
const store = await openChainStore(process.argv[2] ?? '', rollup)
for (;;) {
  const head = store.heads().unsafe
  const parent = store.blockByHash(head.hash)
  if (parent === undefined) break
  const raw = raws[Number(head.number)]
  const attributes = attributesOn(head, rollup, raw === undefined ? [] : [raw])
  const result = stateTransition({
    rollup,
    parent: parent.header,
    attributes,
    reader: store,
    verify: verifySignature,
  })
  await store.appendUnsafe(result)
  process.send?.(String(result.block.header.number))
  const inclusion = { l1Block: { number: 101n, hash: fakeHash('l1') }, transactionHash: undefined }
  await store.markSafe({ number: result.block.header.number, hash: result.block.hash }, inclusion)
}
