import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { createTestClient, http, publicActions } from 'viem'
import { afterAll, expect, it } from 'vitest'
import { devnetAccounts } from '../../devnet/accounts.ts'
import { type Anvil, startAnvil } from '../../devnet/anvil.ts'
import { createKzg, createLogger, createMemoryDatabase, createOpaqueBucket } from '../../node/index.ts'
import { encodeBlob, fromHex, toHex } from '../../protocol/index.ts'
import { createSequencerMetrics } from '../metrics.ts'
import { createL1Nodes } from './L1Nodes.ts'
import { createL1Sender } from './L1Sender.ts'
import { DEFAULT_TX_MANAGER_OPTIONS, openTxManager } from './TxManager.ts'

const kzg = createKzg()
afterAll(() => kzg.close())

it.each([
  ['osaka', 'auto'],
  ['prague', 'blob'],
] as const)(
  'gets real blobs into a block of anvil at %s with %s proofs, also when it has to pay more and after a restart',
  async (hardfork, blobProofs) => {
    const directory = mkdtempSync(join(tmpdir(), 'keyroll-tx-manager-'))
    const anvil = await startAnvil({ name: 'l1', chainId: 900, port: 0, logDirectory: directory, hardfork })
    const l1 = createTestClient({ mode: 'anvil', transport: http(anvil.url) }).extend(publicActions)
    const database = createMemoryDatabase()
    let clock = 0
    const open = () =>
      openTxManager({
        sender: createL1Sender(createL1Nodes({ urls: [anvil.url], chainId: 900n })),
        kzg,
        privateKey: devnetAccounts().batcher.privateKey,
        chainId: 900n,
        bucket: createOpaqueBucket(database, 'batcher'),
        name: 'batcher',
        options: { ...DEFAULT_TX_MANAGER_OPTIONS, blobProofs },
        logger: createLogger({ level: 'silent' }),
        metrics: createSequencerMetrics(new Registry()),
        now: () => clock,
      })
    try {
      await l1.setAutomine(false)
      const blobs = ['one', 'two'].map((text) => encodeBlob(new TextEncoder().encode(text)))
      const to = devnetAccounts().user.address
      const first = await open()
      await first.send({ to, data: new Uint8Array(), blobs, reference: 'blobs' })
      await first.send({ to, data: new Uint8Array(), blobs: blobs.slice(0, 1), reference: 'behind' })
      clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
      await first.poll()

      const restarted = await open()
      await restarted.poll()
      await l1.mine({ blocks: 1 })
      await restarted.poll()
      const [sent, behind] = restarted.sent()
      const receipt = await sent?.confirmed
      expect(receipt).toMatchObject({ status: 'success', blockNumber: 1n })
      expect(await behind?.confirmed).toMatchObject({ status: 'success', blockNumber: 1n })
      const { maxFeePerBlobGas, blobVersionedHashes } = await l1.getTransaction({
        hash: receipt?.transactionHash ?? expect.unreachable(),
      })
      expect(blobVersionedHashes).toEqual(await Promise.all(blobs.map((blob) => kzg.versionedHash(blob))))
      // Twice what was offered first, and a little.
      expect(maxFeePerBlobGas).toBe(2_000_000_001n)
      const answer = await fetch(`${anvil.url}/eth/v1/beacon/blobs/1`)
      const { data } = (await answer.json()) as { data: `0x${string}`[] }
      expect(data.map((blob) => toHex(fromHex(blob).subarray(0, 64)))).toEqual(
        [...blobs, ...blobs.slice(0, 1)].map((blob) => toHex(blob.subarray(0, 64))),
      )
    } finally {
      await anvil.stop()
      await database.close()
      rmSync(directory, { recursive: true })
    }
  },
  180_000,
)

it.each([0, 7])(
  'gives up nothing though the first L1 node is of another chain, where the next nonce is %i',
  async (otherNonce) => {
    const logDirectory = mkdtempSync(join(tmpdir(), 'keyroll-tx-manager-'))
    const [anvil, other] = await Promise.all([
      startAnvil({ name: 'l1', chainId: 900, port: 0, logDirectory }),
      startAnvil({ name: 'other', chainId: 901, port: 0, logDirectory }),
    ])
    const clientOf = ({ url }: Anvil) => createTestClient({ mode: 'anvil', transport: http(url) })
    const { address, privateKey } = devnetAccounts().batcher
    const database = createMemoryDatabase()
    let clock = 0
    const manager = await openTxManager({
      sender: createL1Sender(createL1Nodes({ urls: [other.url, anvil.url], chainId: 900n })),
      privateKey,
      chainId: 900n,
      bucket: createOpaqueBucket(database, 'batcher'),
      name: 'batcher',
      options: DEFAULT_TX_MANAGER_OPTIONS,
      logger: createLogger({ level: 'silent' }),
      metrics: createSequencerMetrics(new Registry()),
      now: () => clock,
    })
    try {
      await clientOf(anvil).setAutomine(false)
      await clientOf(anvil).setNonce({ address, nonce: 3 })
      await clientOf(other).setNonce({ address, nonce: otherNonce })
      const to = devnetAccounts().user.address
      const sent = []
      for (const reference of ['one', 'two']) {
        sent.push(await manager.send({ to, data: new Uint8Array(), reference }))
      }
      for (let round = 0; round < 2; round++) {
        await manager.poll()
        clock += DEFAULT_TX_MANAGER_OPTIONS.resubmitAfterMs
      }
      expect(manager.sent().map(({ nonce }) => nonce)).toEqual([3n, 4n])
      await clientOf(anvil).mine({ blocks: 1 })
      await manager.poll()
      for (const { confirmed } of sent) expect(await confirmed).toMatchObject({ status: 'success' })
    } finally {
      await Promise.all([anvil.stop(), other.stop()])
      await database.close()
      rmSync(logDirectory, { recursive: true })
    }
  },
  60_000,
)
