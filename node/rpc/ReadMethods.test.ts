import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { createPublicClient, type Hex, http, numberToHex, parseEventLogs, webSocket } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Block,
  configFromJson,
  configHash,
  EMPTY_TRIE_ROOT,
  fromHex,
  KEYSTORE_ADDRESS,
  keccak,
  keccakHex,
  keystoreEventsAbi,
  outputRoot,
  rollupConfigToJson,
  slotToKey,
  stateRootOf,
  storageValueFromRlp,
  toHex,
  transactionHash,
  verifyTrieProof,
  ZERO_HASH,
} from '../../protocol/index.ts'
import {
  attributesOn,
  createTestDeposit,
  createTestKeystore,
  createTestRollup,
  fakeHash,
  nextOriginOn,
} from '../../test/chainFixtures.ts'
import { startTestRpc, type TestRpc } from '../../test/rpcServer.ts'

const rollup = createTestRollup()
const dave = createTestKeystore(rollup, 'dave', 4)
const erin = createTestKeystore(rollup, 'erin', 2)
const dataOf = (keystore: typeof dave, i: number) => keystore.raws[i] as Uint8Array
const deposit = createTestDeposit(dataOf(erin, 0), 0)
const badDeposit = createTestDeposit(Uint8Array.of(1, 2, 3), 1)
const inclusion = { l1Block: { number: 105n, hash: fakeHash('l1 105') }, transactionHash: fakeHash('batch') }

let rpc: TestRpc
let blocks: Block[]

beforeAll(async () => {
  rpc = await startTestRpc(rollup)
  const { engine } = rpc
  blocks = [
    await engine.build((head) => attributesOn(head, rollup, [dataOf(dave, 0)])),
    await engine.build((head) =>
      nextOriginOn(head, rollup, [deposit, badDeposit, dataOf(dave, 1), dataOf(dave, 0)]),
    ),
    await engine.build((head) => attributesOn(head, rollup)),
    await engine.build((head) => attributesOn(head, rollup, [dataOf(dave, 2), dataOf(erin, 1)])),
  ]
  const genesis = rpc.store.heads().safe
  const { block } = await engine.consolidate(
    genesis,
    attributesOn(genesis, rollup, [dataOf(dave, 0)]),
    inclusion,
  )
  await engine.finalize({ number: 1n, hash: block.hash })
  const { safe } = rpc.store.heads()
  await engine.consolidate(
    safe,
    nextOriginOn(safe, rollup, [deposit, badDeposit, dataOf(dave, 1), dataOf(dave, 0)]),
    inclusion,
  )
})
afterAll(() => rpc.close())

const block = (number: 1 | 2 | 3 | 4): Block => blocks[number - 1] as Block
const result = async (method: string, ...params: unknown[]) => {
  const answer = await rpc.call(method, params)
  expect(answer.error).toBeUndefined()
  return answer.result
}
const reason = async (method: string, ...params: unknown[]) => {
  const { error } = await rpc.call(method, params)
  return [error?.code, error?.data.reason]
}

describe('eth_', () => {
  it('shows blocks to viem by every name', async () => {
    const client = createPublicClient({ transport: http(rpc.server.url), cacheTime: 0 })
    expect(await client.getChainId()).toBe(Number(rollup.l2ChainId))
    expect(await client.getBlockNumber()).toBe(4n)
    const numberAt = async (blockTag: 'latest' | 'safe' | 'finalized' | 'earliest' | 'pending') =>
      (await client.getBlock({ blockTag })).number
    expect([await numberAt('latest'), await numberAt('pending'), await numberAt('safe')]).toEqual([
      4n,
      4n,
      2n,
    ])
    expect([await numberAt('finalized'), await numberAt('earliest')]).toEqual([1n, 0n])
    const full = await client.getBlock({ blockNumber: 2n, includeTransactions: true })
    const { header, hash } = block(2)
    expect(full.hash).toBe(hash)
    expect(full.withdrawalsRoot).toBe(header.withdrawalsRoot)
    expect(full.mixHash).toBe(header.mixHash)
    expect(full.gasUsed).toBe(header.gasUsed)
    expect(full.transactions.map(({ hash }) => hash)).toEqual(block(2).transactions.map(transactionHash))
    const byHash = await client.getBlock({ blockHash: hash })
    expect(byHash.transactions).toEqual(block(2).transactions.map(transactionHash))
    await expect(client.getBlock({ blockNumber: 99n })).rejects.toThrow('could not be found')
  })

  it('shows set-configs and deposits to viem, as receipts too', async () => {
    const client = createPublicClient({ transport: http(rpc.server.url), cacheTime: 0 })
    const setConfig = await client.getTransaction({ hash: transactionHash(dataOf(dave, 1)) })
    expect(setConfig).toMatchObject({
      typeHex: '0x4b',
      to: KEYSTORE_ADDRESS,
      nonce: 2,
      value: 0n,
      transactionIndex: 2,
    })
    expect(setConfig.input).toBe(toHex(dataOf(dave, 1)))
    expect(setConfig).toMatchObject({ keystoreId: dave.id, kind: '0x0' })
    const forced = await client.getTransaction({ blockNumber: 2n, index: 0 })
    expect(forced).toMatchObject({ typeHex: '0x7e', input: toHex(dataOf(erin, 0)), to: KEYSTORE_ADDRESS })
    const receipt = await client.getTransactionReceipt({ hash: transactionHash(deposit) })
    expect([receipt.status, receipt.logs.length, receipt.blockNumber]).toEqual(['success', 1, 2n])
    const [event] = parseEventLogs({ abi: keystoreEventsAbi, logs: receipt.logs })
    expect(event?.args).toMatchObject({ id: erin.id, nonce: 1n })
    const receipts = (await result('eth_getBlockReceipts', '0x2')) as {
      status: Hex
      invalidReason?: string
    }[]
    expect(receipts.map(({ status }) => status)).toEqual(['0x1', '0x0', '0x1', '0x0'])
    expect(receipts.map(({ invalidReason }) => invalidReason)).toEqual([
      undefined,
      'UNDECODABLE',
      undefined,
      'NONCE_TOO_LOW',
    ])
  })

  it('shows the place where a transaction took effect', async () => {
    const tx = await result('eth_getTransactionByHash', transactionHash(dataOf(dave, 0)))
    expect(tx).toMatchObject({ blockNumber: '0x1', transactionIndex: '0x0' })
  })

  it('answers null for what does not exist', async () => {
    for (const method of [
      'eth_getTransactionByHash',
      'eth_getTransactionReceipt',
      'eth_getBlockByHash',
      'eth_getBlockTransactionCountByHash',
    ]) {
      expect(await result(method, fakeHash('nothing'))).toBeNull()
    }
    expect(await result('eth_getBlockByNumber', '0x99')).toBeNull()
    expect(await result('eth_getBlockReceipts', '0x99')).toBeNull()
    expect(await result('eth_getTransactionByBlockNumberAndIndex', '0x2', '0x9')).toBeNull()
    expect(await result('eth_getTransactionByBlockHashAndIndex', block(2).hash, '0x3')).toMatchObject({
      nonce: '0x1',
    })
    expect(await result('eth_getBlockTransactionCountByNumber', '0x2')).toBe('0x4')
  })

  it('finds logs by range, address and topics, and viem decodes them', async () => {
    const client = createPublicClient({ transport: http(rpc.server.url), cacheTime: 0 })
    const all = await client.getContractEvents({
      address: KEYSTORE_ADDRESS,
      abi: keystoreEventsAbi,
      fromBlock: 0n,
    })
    expect(all.map(({ args }) => [args.id, args.nonce])).toEqual([
      [dave.id, 1n],
      [erin.id, 1n],
      [dave.id, 2n],
      [dave.id, 3n],
      [erin.id, 2n],
    ])
    expect(all.map(({ blockNumber, logIndex }) => [blockNumber, logIndex])).toEqual([
      [1n, 0],
      [2n, 0],
      [2n, 1],
      [4n, 0],
      [4n, 1],
    ])
    const logs = async (filter: object) => ((await result('eth_getLogs', filter)) as unknown[]).length
    expect(await logs({ fromBlock: 'earliest', topics: [null, erin.id] })).toBe(2)
    expect(await logs({ fromBlock: 'earliest', topics: [null, [erin.id, dave.id]] })).toBe(5)
    expect(await logs({ fromBlock: 'earliest', topics: [erin.id] })).toBe(0)
    expect(await logs({ fromBlock: 'earliest', topics: [null, null, null] })).toBe(0)
    expect(await logs({ fromBlock: 'earliest', address: `0x${'11'.repeat(20)}` })).toBe(0)
    expect(
      await logs({ fromBlock: 'earliest', address: [KEYSTORE_ADDRESS.toUpperCase().replace('0X', '0x')] }),
    ).toBe(5)
    expect(await logs({ blockHash: block(2).hash })).toBe(2)
    expect(await logs({ fromBlock: '0x3', toBlock: '0xffff' })).toBe(2)
    expect(await logs({ fromBlock: '0x4', toBlock: '0x2' })).toBe(0)
    expect(await logs({ toBlock: 'latest' })).toBe(2)
  })

  it.each([
    ['a range that is too long', { fromBlock: '0x0', toBlock: 'latest' }, undefined],
    ['an unknown field', { fromBlock: '0x0', other: 1 }, 'UNKNOWN_FIELD'],
    ['five topics', { topics: [null, null, null, null, null] }, 'LIST_TOO_LONG'],
    ['a topic of another length', { topics: ['0x12'] }, 'INVALID_HASH'],
    ['a hash and a range', { blockHash: fakeHash('x'), fromBlock: '0x0' }, 'INVALID_FILTER'],
    ['an unknown block hash', { blockHash: fakeHash('x') }, 'UNKNOWN_BLOCK'],
    ['a number with leading zeros', { fromBlock: '0x00' }, 'INVALID_BLOCK'],
    ['no object', [], 'INVALID_OBJECT'],
  ])('checks the log filter: %s', async (_name, filter, expected) => {
    expect((await rpc.call('eth_getLogs', [filter])).error?.data.reason).toBe(expected)
  })

  it('proves storage of the Keystore at every kept block', async () => {
    const client = createPublicClient({ transport: http(rpc.server.url), cacheTime: 0 })
    for (const number of [0n, 1n, 2n, 3n, 4n]) {
      const { header } = rpc.store.blockByNumber(number) ?? block(1)
      const proof = await client.getProof({
        address: KEYSTORE_ADDRESS,
        storageKeys: [dave.id, fakeHash('absent')],
        blockNumber: number,
      })
      expect(proof.storageHash).toBe(header.withdrawalsRoot)
      expect(stateRootOf(proof.storageHash)).toBe(header.stateRoot)
      const account = verifyTrieProof(
        header.stateRoot,
        keccak(fromHex(KEYSTORE_ADDRESS)),
        proof.accountProof.map((node) => fromHex(node)),
      )
      expect(account).toBeDefined()
      const expected = dave.configs[[0, 1, 2, 2, 3][Number(number)] ?? 0]
      const [present, absent] = proof.storageProof
      const value = verifyTrieProof(
        header.withdrawalsRoot,
        slotToKey(dave.id),
        (present?.proof ?? []).map((node) => fromHex(node)),
      )
      if (number === 0n) expect(value).toBeUndefined()
      else expect(value && storageValueFromRlp(value)).toBe(configHash(expected ?? rpcFailure()))
      expect(present?.value).toBe(value === undefined ? 0n : BigInt(storageValueFromRlp(value)))
      expect(absent?.value).toBe(0n)
      const absence = (absent?.proof ?? []).map((node) => fromHex(node))
      expect(verifyTrieProof(header.withdrawalsRoot, slotToKey(fakeHash('absent')), absence)).toBeUndefined()
      expect(present?.key).toBe(dave.id)
    }
    const other = await client.getProof({ address: `0x${'11'.repeat(20)}`, storageKeys: [dave.id] })
    expect([other.storageHash, other.storageProof[0]?.proof]).toEqual([EMPTY_TRIE_ROOT, []])
    const nodes = other.accountProof.map((node) => fromHex(node))
    expect(verifyTrieProof(block(4).header.stateRoot, keccak(fromHex(other.address)), nodes)).toBeUndefined()
    expect(await client.getStorageAt({ address: KEYSTORE_ADDRESS, slot: dave.id })).toBe(
      configHash(dave.configs[3] ?? rpcFailure()),
    )
    expect(await client.getStorageAt({ address: KEYSTORE_ADDRESS, slot: '0x1' })).toBe(ZERO_HASH)
  })

  it('gives wallets the constant answers they ask before adding a network', async () => {
    const client = createPublicClient({ transport: http(rpc.server.url), cacheTime: 0 })
    const address = `0x${'11'.repeat(20)}` as const
    expect(await client.getBalance({ address })).toBe(0n)
    expect(await client.getTransactionCount({ address, blockTag: 'pending' })).toBe(0)
    expect(await client.getCode({ address })).toBeUndefined()
    expect(await client.getGasPrice()).toBe(0n)
    expect(await client.call({ to: address, data: '0x12345678' })).toEqual({ data: undefined })
    expect(await client.estimateGas({ account: address, to: address, value: 0n })).toBe(21_000n)
    expect(await client.estimateFeesPerGas()).toEqual({ maxFeePerGas: 0n, maxPriorityFeePerGas: 0n })
    const history = await client.getFeeHistory({ blockCount: 10, rewardPercentiles: [10, 90] })
    expect([history.oldestBlock, history.gasUsedRatio.length, history.baseFeePerGas.length]).toEqual([
      0n,
      5,
      6,
    ])
    expect(history.reward?.[0]).toEqual([0n, 0n])
    expect(await result('net_version')).toBe(String(rollup.l2ChainId))
    expect(await result('web3_clientVersion')).toBe('keyroll/test')
    expect(await result('eth_syncing')).toBe(false)
  })

  it('takes EIP-1898 block parameters, and refuses unknown blocks where there is state to read', async () => {
    expect(
      await result('eth_getBalance', KEYSTORE_ADDRESS, { blockHash: block(2).hash, requireCanonical: true }),
    ).toBe('0x0')
    expect(await result('eth_getBalance', KEYSTORE_ADDRESS, { blockNumber: '0x2' })).toBe('0x0')
    expect(await reason('eth_getBalance', KEYSTORE_ADDRESS, { blockHash: fakeHash('x') })).toEqual([
      -32001,
      'UNKNOWN_BLOCK',
    ])
    expect(await reason('eth_getBalance', KEYSTORE_ADDRESS, '0x99')).toEqual([-32001, 'UNKNOWN_BLOCK'])
    expect(await reason('eth_getBalance', KEYSTORE_ADDRESS, {})).toEqual([-32602, 'INVALID_BLOCK'])
    expect(await reason('eth_getBalance', '0x12', 'latest')).toEqual([-32602, 'INVALID_ADDRESS'])
    expect(await reason('eth_getBalance')).toEqual([-32602, 'MISSING_PARAM'])
    expect(await reason('eth_getBlockByNumber', 'first')).toEqual([-32602, 'INVALID_BLOCK'])
    expect(await reason('eth_getBlockByNumber', '0x1', 'yes')).toEqual([-32602, 'INVALID_BOOLEAN'])
    expect(await reason('eth_getProof', KEYSTORE_ADDRESS, new Array(257).fill('0x1'))).toEqual([
      -32602,
      'LIST_TOO_LONG',
    ])
    expect(await reason('eth_getProof', KEYSTORE_ADDRESS, ['0x'])).toEqual([-32602, 'INVALID_SLOT'])
    expect(await reason('eth_call', { gas: 1, surprise: true })).toEqual([-32602, 'UNKNOWN_FIELD'])
    expect(await reason('eth_feeHistory', '0x0', 'latest')).toEqual([-32602, 'INVALID_QUANTITY'])
    expect(await reason('eth_feeHistory', '0x1', 'latest', [101])).toEqual([-32602, 'INVALID_PERCENTILE'])
    expect(await reason('eth_subscribe', 'newHeads')).toEqual([-32004, 'WEBSOCKET_ONLY'])
  })

  it('answers cast', { timeout: 60_000 }, async () => {
    const cast = async (...args: string[]) => {
      const { stdout } = await promisify(execFile)('npx', ['cast', ...args, '--rpc-url', rpc.server.url])
      return stdout.trim()
    }
    expect(await cast('chain-id')).toBe(String(rollup.l2ChainId))
    expect(await cast('block', '2', '--field', 'hash')).toBe(block(2).hash)
    expect(JSON.parse(await cast('block', '2', '--full', '--json')).hash).toBe(block(2).hash)
    expect(JSON.parse(await cast('tx', transactionHash(dataOf(dave, 1)), '--json')).hash).toBe(
      transactionHash(dataOf(dave, 1)),
    )
    expect(JSON.parse(await cast('receipt', transactionHash(deposit), '--json')).status).toBe('0x1')
    expect(JSON.parse(await cast('logs', '--from-block', '0', '--json'))).toHaveLength(5)
    expect(await cast('storage', KEYSTORE_ADDRESS, erin.id)).toBe(configHash(erin.configs[2] ?? rpcFailure()))
    expect(JSON.parse(await cast('proof', KEYSTORE_ADDRESS, erin.id)).storageHash).toBe(
      block(4).header.withdrawalsRoot,
    )
  })
})

describe('eth_subscribe', () => {
  it('tells viem of new heads and logs, and of logs that are gone', { timeout: 20_000 }, async () => {
    const own = await startTestRpc(rollup)
    const client = createPublicClient({ transport: webSocket(own.server.wsUrl), cacheTime: 0 })
    const heads: bigint[] = []
    const seen: [Hex | null, boolean][] = []
    const stopBlocks = client.watchBlocks({ onBlock: ({ number }) => heads.push(number ?? -1n) })
    const stopEvents = client.watchEvent({
      address: KEYSTORE_ADDRESS,
      onLogs: (logs) =>
        seen.push(
          ...logs.map(({ transactionHash, removed }): [Hex | null, boolean] => [transactionHash, removed]),
        ),
    })
    const isSubscribed = async () =>
      (await (await fetch(`${own.server.url}/metrics`)).text()).includes(
        'keyroll_rpc_calls_total{method="eth_subscribe",outcome="ok"} 2',
      )
    await expect.poll(isSubscribed, { timeout: 5_000 }).toBe(true)
    await own.engine.build((head) => attributesOn(head, rollup, [dataOf(dave, 0)]))
    await own.engine.build((head) => attributesOn(head, rollup))
    // viem fetches each block that it hears of.
    await expect.poll(() => heads, { timeout: 5_000 }).toEqual([1n, 2n])
    await own.engine.reset(0n)
    const hash = transactionHash(dataOf(dave, 0))
    await expect
      .poll(() => seen, { timeout: 5_000 })
      .toEqual([
        [hash, false],
        [hash, true],
      ])
    stopBlocks()
    stopEvents()
    const { socket } = await client.transport.getRpcClient()
    socket.close()
    await own.close()
  })

  it('unsubscribes, and bounds the subscriptions of a connection', async () => {
    const client = createPublicClient({ transport: webSocket(rpc.server.wsUrl) })
    const request = client.transport.request as (call: {
      method: string
      params: unknown[]
    }) => Promise<unknown>
    const id = await request({ method: 'eth_subscribe', params: ['logs', { topics: [] }] })
    expect(await request({ method: 'eth_unsubscribe', params: [id] })).toBe(true)
    expect(await request({ method: 'eth_unsubscribe', params: [id] })).toBe(false)
    await expect(request({ method: 'eth_subscribe', params: ['everything'] })).rejects.toThrow(
      'newHeads or logs',
    )
    const many = Array.from({ length: 33 }, () =>
      request({ method: 'eth_subscribe', params: ['newHeads'] }).catch(() => 'refused'),
    )
    expect((await Promise.all(many)).filter((one) => one === 'refused')).toHaveLength(1)
    const { socket } = await client.transport.getRpcClient()
    socket.close()
  })
})

describe('optimism_', () => {
  it('tells heads, outputs and the rollup config in the JSON of op-node', async () => {
    const status = (await result('optimism_syncStatus')) as Record<
      string,
      { number: number; hash: Hex; l1origin?: unknown; timestamp?: number }
    >
    expect([status.unsafe_l2?.number, status.safe_l2?.number, status.finalized_l2?.number]).toEqual([4, 2, 1])
    expect([status.current_l1?.number, status.finalized_l1?.hash]).toEqual([500, ZERO_HASH])
    expect(status.safe_l2?.l1origin).toEqual({ number: 101, hash: block(2).header.mixHash })
    const { stateRoot, withdrawalsRoot } = block(3).header
    expect(await result('optimism_outputAtBlock', '0x3')).toMatchObject({
      version: ZERO_HASH,
      outputRoot: outputRoot({ stateRoot, keystoreRoot: withdrawalsRoot, blockHash: block(3).hash }),
      withdrawalStorageRoot: withdrawalsRoot,
      stateRoot,
      blockRef: { number: 3, hash: block(3).hash, sequenceNumber: 1 },
    })
    expect(await reason('optimism_outputAtBlock', '0x99')).toEqual([-32001, 'UNKNOWN_BLOCK'])
    expect(await result('optimism_rollupConfig')).toMatchObject(rollupConfigToJson(rollup))
    expect(await result('optimism_version')).toBe('keyroll/test')
    expect(await result('optimism_safeHeadAtL1Block', '0x69')).toEqual({
      l1Block: { number: 105, hash: inclusion.l1Block.hash },
      safeHead: { number: 2, hash: block(2).hash },
    })
    expect(await result('optimism_safeHeadAtL1Block', '0x65')).toMatchObject({ safeHead: { number: 0 } })
    expect(await reason('optimism_safeHeadAtL1Block', '0x1')).toEqual([-32001, 'BEFORE_GENESIS'])
  })
})

describe('keyroll_', () => {
  it('tells the config of a keystore at every kept block, and its proof', async () => {
    const at = async (id: Hex, tag?: string) =>
      (await result('keyroll_getConfig', id, ...(tag === undefined ? [] : [tag]))) as Record<string, unknown>
    const latest = await at(dave.id)
    expect(latest).toMatchObject({
      id: dave.id,
      written: true,
      recovery: null,
      blockNumber: '0x4',
      blockHash: block(4).hash,
    })
    expect(configFromJson(latest.config)).toEqual(dave.configs[3])
    expect(latest.configHash).toBe(configHash(dave.configs[3] ?? rpcFailure()))
    expect(configFromJson((await at(dave.id, 'safe')).config)).toEqual(dave.configs[2])
    expect(await at(erin.id, 'finalized')).toMatchObject({
      written: false,
      configHash: erin.id,
      config: null,
      blockNumber: '0x1',
    })
    const proof = (await result('keyroll_getConfigProof', erin.id, '0x4')) as Record<string, unknown>
    expect(proof).toMatchObject({
      written: true,
      keystoreRoot: block(4).header.withdrawalsRoot,
      stateRoot: block(4).header.stateRoot,
    })
    const nodes = (proof.storageProof as Hex[]).map((node) => fromHex(node))
    const value = verifyTrieProof(block(4).header.withdrawalsRoot, slotToKey(erin.id), nodes)
    expect(value && storageValueFromRlp(value)).toBe(configHash(erin.configs[2] ?? rpcFailure()))
    expect(configFromJson(proof.config)).toEqual(erin.configs[2])
    expect(await reason('keyroll_getConfig', '0x12')).toEqual([-32602, 'INVALID_HASH'])
    expect(await reason('keyroll_getConfigProof', dave.id, '0x99')).toEqual([-32001, 'UNKNOWN_BLOCK'])
  })

  it('follows a set-config through its stages', async () => {
    const status = async (hash: Hex) => (await result('keyroll_getStatus', hash)) as Record<string, unknown>
    const pendingHash = transactionHash(dataOf(dave, 3))
    expect(await status(pendingHash)).toEqual({ stage: 'unknown', transactionHash: pendingHash })
    const promise = {
      id: dave.id,
      kind: 0,
      nonce: 4n,
      configHash: fakeHash('c'),
      txHash: pendingHash,
      byBlock: 9n,
    } as const
    const signer = `0x${'51'.repeat(20)}` as const
    rpc.world.accepted.set(pendingHash, { signed: { promise, signature: '0x5151', signer }, isPending: true })
    expect(await status(pendingHash)).toEqual({
      stage: 'pending',
      transactionHash: pendingHash,
      promise: { ...promise, kind: '0x0', nonce: '0x4', byBlock: '0x9' },
      signature: '0x5151',
      signer,
    })
    expect(await status(transactionHash(dataOf(dave, 2)))).toMatchObject({
      stage: 'unsafe',
      blockNumber: '0x4',
      valid: true,
    })
    const safeHash = transactionHash(dataOf(dave, 1))
    const safe = await status(safeHash)
    expect(safe).toMatchObject({
      stage: 'safe',
      blockHash: block(2).hash,
      l1: {
        blockNumber: '0x69',
        blockHash: inclusion.l1Block.hash,
        transactionHash: inclusion.transactionHash,
      },
    })

    const { stateRoot, withdrawalsRoot } = block(2).header
    const ours = outputRoot({ stateRoot, keystoreRoot: withdrawalsRoot, blockHash: block(2).hash })
    const output = {
      index: 0n,
      outputRoot: fakeHash('a lie'),
      l1Timestamp: 1_700_000_950n,
      l2BlockNumber: 2n,
      l1Block: { number: 120n, hash: fakeHash('l1 120') },
      transactionHash: fakeHash('proposal'),
    }
    await rpc.store.putOutput(output)
    expect(await status(safeHash)).toEqual(safe)
    expect(await result('keyroll_getOutput', '0x0')).toMatchObject({ matches: false })
    await rpc.store.truncateOutputs(0n)
    await rpc.store.putOutput({ ...output, outputRoot: ours })
    expect(await status(safeHash)).toMatchObject({
      stage: 'proposed',
      output: {
        index: '0x0',
        outputRoot: ours,
        l1Timestamp: numberToHex(output.l1Timestamp),
        l2BlockNumber: '0x2',
        matches: true,
        finalized: false,
      },
    })
    const head = rpc.world.head
    if (head !== undefined) rpc.world.head = { ...head, timestamp: output.l1Timestamp + 100n }
    expect((await status(safeHash)).stage).toBe('finalized')
    rpc.world.head = head
    expect(await result('keyroll_getOutputForBlock', '0x1')).toMatchObject({
      index: '0x0',
      l1: { transactionHash: fakeHash('proposal') },
    })
    expect(await result('keyroll_getLatestOutput')).toMatchObject({ index: '0x0' })
    expect(await reason('keyroll_getOutput', '0x7')).toEqual([-32001, 'UNKNOWN_OUTPUT'])
    expect(await reason('keyroll_getOutputForBlock', '0x3')).toEqual([-32001, 'UNKNOWN_OUTPUT'])
    await rpc.store.truncateOutputs(0n)
  })

  it('finds a set-config that a deposit forced, by its own hash', async () => {
    const status = await result('keyroll_getStatus', keccakHex(dataOf(erin, 0)))
    expect(status).toMatchObject({ stage: 'safe', blockNumber: '0x2', valid: true })
    const undecodable = await result('keyroll_getStatus', keccakHex(Uint8Array.of(1, 2, 3)))
    expect(undecodable).toMatchObject({ stage: 'safe', valid: false, invalidReason: 'UNDECODABLE' })
  })
})

function rpcFailure(): never {
  throw new TypeError('a fixture is missing')
}
