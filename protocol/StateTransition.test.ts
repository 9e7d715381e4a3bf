import fc from 'fast-check'
import { decodeEventLog, type Hex, toEventSelector } from 'viem'
import { describe, expect, test } from 'vitest'
import { createNodeMap } from '../test/nodeMap.ts'
import { approve, createTestSigner, type TestSigner } from '../test/testSigners.ts'
import { logsToBloom } from './Bloom.ts'
import { toHex } from './bytes.ts'
import { type Config, configHash, configToRlp, NO_AUTHORITY } from './Config.ts'
import { KEYSTORE_ADDRESS, MAX_BLOCK_BYTES, ZERO_HASH } from './constants.ts'
import { type Deposit, depositToBytes } from './Deposit.ts'
import { decodeExtraData } from './ExtraData.ts'
import { keystoreEventsAbi } from './KeystoreLogs.ts'
import { readKeystore, recoverySlots } from './KeystoreState.ts'
import { keystorePut, stateRootOf } from './KeystoreTrie.ts'
import { receiptToBytes } from './Receipt.ts'
import {
  type Approval,
  parseSetConfig,
  type SetConfig,
  type SetConfigParser,
  setConfigToBytes,
} from './SetConfig.ts'
import { setConfigDigest } from './SetConfigDigest.ts'
import { verifySignature } from './Signature.ts'
import { createSignerTree } from './Signer.ts'
import {
  type BlockAttributes,
  type BlockResult,
  createGenesis,
  stateTransition,
  type TransitionRules,
} from './StateTransition.ts'
import {
  EMPTY_TRIE_ROOT,
  emptyTrie,
  orderedTrieRoot,
  type TrieReader,
  trieFromRoot,
  trieRoot,
} from './Trie.ts'

const CHAIN_ID = 0x4b52n
const RULES: TransitionRules = {
  l2ChainId: CHAIN_ID,
  blockTime: 6n,
  minRecoveryDelay: 60,
  challengePeriod: 100,
}
const L1_GENESIS = { hash: `0x${'11'.repeat(32)}`, number: 100n } as const
const GENESIS_TIME = 1_800_000_000n

/** A chain in memory that executes one block after another. */
function createChain() {
  const nodes = createNodeMap()
  const configs = new Map<Hex, Config>()
  const trie = (root: Hex) => trieFromRoot(root, 0, nodes.read)
  const reader = { trie, config: (hash: Hex) => configs.get(hash) }
  let head = createGenesis({ genesis: { l1: L1_GENESIS, l2Time: GENESIS_TIME } })

  const attributesOf = (
    transactions: readonly Uint8Array[],
    changes: Partial<BlockAttributes> = {},
  ): BlockAttributes => {
    const { timestamp, extraData, mixHash } = head.block.header
    const { l1OriginNumber, sequenceNumber } = decodeExtraData(extraData)
    return {
      timestamp: timestamp + RULES.blockTime,
      l1Origin: { number: l1OriginNumber, hash: mixHash, parentBeaconBlockRoot: ZERO_HASH },
      sequenceNumber: sequenceNumber + 1n,
      transactions,
      ...changes,
    }
  }
  /** Decodes as whoever looked ahead, and took the config in force for another one. */
  const parse: SetConfigParser = (raw, chainId) => {
    const parsed = parseSetConfig(raw, chainId)
    if (parsed.ok) parsed.digestFor?.(hashOf(1n))
    return parsed
  }
  const execute = (attributes: BlockAttributes) => {
    const given = { rollup: RULES, parent: head.block.header, attributes, reader, verify: verifySignature }
    const result = stateTransition({ ...given, parse })
    const { block, reasons } = stateTransition(given)
    expect(result).toMatchObject({ block, reasons })
    return result
  }
  const append = (attributes: BlockAttributes): BlockResult => {
    head = execute(attributes)
    nodes.add(head.trie)
    for (const [hash, { config }] of head.configs) configs.set(hash, config)
    return head
  }
  return {
    head: () => head,
    timestamp: () => head.block.header.timestamp,
    execute: (transactions: readonly Uint8Array[], changes?: Partial<BlockAttributes>) =>
      execute(attributesOf(transactions, changes)),
    append: (transactions: readonly Uint8Array[], changes?: Partial<BlockAttributes>) =>
      append(attributesOf(transactions, changes)),
    /** Appends the first block of the next L1 origin, which is where deposits go. */
    appendOnNextOrigin: (transactions: readonly Uint8Array[]) => {
      const { number } = attributesOf([]).l1Origin
      const l1Origin = {
        number: number + 1n,
        hash: hashOf(number + 1n),
        parentBeaconBlockRoot: hashOf(number),
      }
      return append(attributesOf(transactions, { l1Origin, sequenceNumber: 0n }))
    },
    read: (id: Hex) => readKeystore(reader, head.block.header.withdrawalsRoot, id),
    configs,
  }
}

const hashOf = (number: bigint): Hex => `0x${number.toString(16).padStart(64, '0')}`

const alice = createTestSigner(3, 'alice')
const bob = createTestSigner(1, 'bob')
const guardian = createTestSigner(2, 'guardian')

const initial: Config = {
  nonce: 0n,
  signers: { root: createSignerTree([alice]).root, threshold: 1 },
  guardians: { root: createSignerTree([guardian]).root, threshold: 1 },
  recoveryDelay: 60,
  maxStaleness: 0,
  data: '0x73616c74',
}
const ID = configHash(initial)

/** Makes the set-config to the config in force with changes, approved by a signer who is the only one. */
function update(
  previous: Config,
  by: TestSigner,
  changes: Partial<Config> = {},
  { kind = 0, id = ID, nextSigner }: { kind?: 0 | 1; id?: Hex; nextSigner?: TestSigner } = {},
): SetConfig {
  const signers =
    nextSigner === undefined ? previous.signers : { root: createSignerTree([nextSigner]).root, threshold: 1 }
  const next: Config = { ...previous, signers, nonce: previous.nonce + 1n, ...changes }
  const digest = setConfigDigest({ chainId: CHAIN_ID, kind, id, previous: configHash(previous), next })
  return {
    chainId: CHAIN_ID,
    id,
    kind,
    initial: previous.nonce === 0n ? previous : undefined,
    next,
    approvals: approve([by], [by], digest),
    openings: nextSigner === undefined ? [] : approve([nextSigner], [nextSigner], digest),
  }
}

function completion({ initial, next }: SetConfig): SetConfig {
  return { chainId: CHAIN_ID, id: ID, kind: 2, initial, next, approvals: [], openings: [] }
}

function deposit(data: Uint8Array, changes: Partial<Deposit> = {}): Uint8Array {
  return depositToBytes({
    sourceHash: hashOf(7n),
    from: `0x${'99'.repeat(20)}`,
    to: KEYSTORE_ADDRESS,
    mint: 0n,
    value: 0n,
    gas: 100_000n,
    isSystemTx: false,
    data,
    ...changes,
  })
}

describe('genesis', () => {
  test('is block 0 of an empty state on the rollup config’s L1 block', () => {
    const { block, receipts } = createChain().head()
    expect(receipts).toEqual([])
    expect(block.transactions).toEqual([])
    expect(block.header).toMatchObject({
      number: 0n,
      parentHash: ZERO_HASH,
      timestamp: GENESIS_TIME,
      mixHash: L1_GENESIS.hash,
      parentBeaconBlockRoot: ZERO_HASH,
      gasUsed: 0n,
      withdrawalsRoot: EMPTY_TRIE_ROOT,
      transactionsRoot: EMPTY_TRIE_ROOT,
      receiptsRoot: EMPTY_TRIE_ROOT,
      stateRoot: stateRootOf(EMPTY_TRIE_ROOT),
    })
    expect(decodeExtraData(block.header.extraData)).toEqual({ l1OriginNumber: 100n, sequenceNumber: 0n })
  })
})

describe('an update', () => {
  test('puts the hash of the next config into the slot of the keystore', () => {
    const chain = createChain()
    const tx = update(initial, alice, { data: '0x01' })
    const { block, configs } = chain.append([setConfigToBytes(tx)])
    const nextHash = configHash(tx.next)
    expect(chain.read(ID)).toEqual({ configHash: nextHash, written: true, recovery: undefined })
    expect(block.header.withdrawalsRoot).toBe(trieRoot(keystorePut(emptyTrie(), ID, nextHash)))
    expect([...configs]).toEqual([[nextHash, { config: tx.next, rlp: configToRlp(tx.next) }]])
  })

  test('is told in one log, as the ABI says', () => {
    const tx = update(initial, alice, { data: `0x${'ab'.repeat(100)}` })
    const [receipt] = createChain().append([setConfigToBytes(tx)]).receipts
    expect(receipt).toMatchObject({ type: 0x4b, status: 1 })
    const [log] = receipt?.logs ?? []
    const topics = log?.topics as [Hex, Hex]
    expect(topics[0]).toBe(toEventSelector('ConfigSet(bytes32,uint64,bytes32,bytes)'))
    expect(
      decodeEventLog({ abi: keystoreEventsAbi, topics, data: toHex(log?.data ?? new Uint8Array()) }),
    ).toEqual({
      eventName: 'ConfigSet',
      args: {
        id: ID,
        nonce: 1n,
        configHash: configHash(tx.next),
        config: `0x${Buffer.from(configToRlp(tx.next)).toString('hex')}`,
      },
    })
  })

  test('rotates the key: the old one is refused from the next transaction on, the new one obeyed', () => {
    const chain = createChain()
    const rotation = update(initial, alice, {}, { nextSigner: bob })
    const byOld = update(rotation.next, alice, { data: '0x01' })
    const byNew = update(rotation.next, bob, { data: '0x02' })
    const { reasons, receipts } = chain.append([rotation, byOld, byNew].map(setConfigToBytes))
    expect(reasons).toEqual([undefined, 'NOT_A_SIGNER', undefined])
    expect(receipts.map(({ status }) => status)).toEqual([1, 0, 1])
    expect(chain.read(ID).configHash).toBe(configHash(byNew.next))
  })

  test('needs each of its approvals and openings, not only some', () => {
    const teamOf = (names: readonly string[]) => names.map((name) => createTestSigner(1, name))
    const [old, fresh] = [teamOf(['carol', 'dave']), teamOf(['erin', 'frank'])]
    const authorityOf = (team: readonly TestSigner[]) => ({ root: createSignerTree(team).root, threshold: 2 })
    const first: Config = { ...initial, signers: authorityOf(old) }
    const id = configHash(first)
    const next: Config = { ...first, nonce: 1n, signers: authorityOf(fresh) }
    const digest = setConfigDigest({ chainId: CHAIN_ID, kind: 0, id, previous: id, next })
    const approvals = approve(old, old, digest)
    const openings = approve(fresh, fresh, digest)
    const judge = (changes: Partial<SetConfig>) => {
      const tx: SetConfig = { chainId: CHAIN_ID, id, kind: 0, initial: first, next, approvals, openings }
      return createChain().append([setConfigToBytes({ ...tx, ...changes })]).reasons
    }
    const [strange] = approve([bob], [bob], hashOf(1n)) as [Approval]
    for (const at of [0, 1]) {
      const breaking = (each: readonly Approval[], change: Partial<Approval>) =>
        each.with(at, { ...(each[at] as Approval), ...change })
      expect(judge({ approvals: breaking(approvals, { proof: [] }) })).toEqual(['NOT_A_SIGNER'])
      expect(judge({ openings: breaking(openings, { proof: [] }) })).toEqual(['OPENING_NOT_IN_ROOT'])
      const { signature } = strange
      expect(judge({ approvals: breaking(approvals, { signature }) })).toEqual(['BAD_SIGNATURE'])
      expect(judge({ openings: breaking(openings, { signature }) })).toEqual(['BAD_OPENING_SIGNATURE'])
    }
    expect(judge({})).toEqual([undefined])
  })

  test('of a later nonce is checked against the config that an earlier block put in force', () => {
    const chain = createChain()
    const first = update(initial, alice, {}, { nextSigner: bob })
    const second = update(first.next, bob, { data: '0x02' })
    chain.append([setConfigToBytes(first)])
    expect(chain.append([setConfigToBytes(second)]).reasons).toEqual([undefined])
    expect(chain.append([setConfigToBytes(second)]).reasons).toEqual(['NONCE_TOO_LOW'])
  })

  test('of a keystore nobody wrote yet, at a nonce above 1, has too high a nonce', () => {
    const first = update(initial, alice)
    const second = update(first.next, alice)
    expect(createChain().append([setConfigToBytes(second)]).reasons).toEqual(['NONCE_TOO_HIGH'])
  })
})

describe('receipts', () => {
  test('carry the keystore root after their transaction, and the bytes so far', () => {
    const chain = createChain()
    const other: Config = { ...initial, data: '0x6f74686572' }
    const first = update(initial, alice)
    const invalid = update({ ...first.next, data: '0xff' }, alice)
    const second = update(other, alice, {}, { id: configHash(other) })
    const raws = [first, invalid, second].map(setConfigToBytes)
    const { block, receipts } = chain.append(raws)
    const afterFirst = keystorePut(emptyTrie(), ID, configHash(first.next))
    const afterSecond = keystorePut(afterFirst, configHash(other), configHash(second.next))
    expect(receipts.map(({ keystoreRoot }) => keystoreRoot)).toEqual(
      [afterFirst, afterFirst, afterSecond].map(trieRoot),
    )
    const lengths = raws.map(({ length }) => BigInt(length)) as [bigint, bigint, bigint]
    const total = lengths[0] + lengths[1] + lengths[2]
    expect(receipts.map(({ cumulativeGasUsed }) => cumulativeGasUsed)).toEqual([
      lengths[0],
      lengths[0] + lengths[1],
      total,
    ])
    expect(block.header).toMatchObject({
      gasUsed: total,
      withdrawalsRoot: trieRoot(afterSecond),
      stateRoot: stateRootOf(trieRoot(afterSecond)),
      transactionsRoot: orderedTrieRoot(raws),
      receiptsRoot: orderedTrieRoot(receipts.map(receiptToBytes)),
      logsBloom: logsToBloom(receipts.flatMap(({ logs }) => logs)),
    })
  })

  test('of an invalid set-config have status 0 and no log, and the state stays', () => {
    const chain = createChain()
    const tx = update(initial, bob)
    const { block, receipts, configs, trie, reasons } = chain.append([setConfigToBytes(tx)])
    expect(reasons).toEqual(['NOT_A_SIGNER'])
    expect(receipts).toMatchObject([{ status: 0, logs: [], keystoreRoot: EMPTY_TRIE_ROOT }])
    expect(block.header.withdrawalsRoot).toBe(EMPTY_TRIE_ROOT)
    expect(configs.size).toBe(0)
    expect(createNodeMap().add(trie)).toEqual([])
  })
})

describe('a deposit', () => {
  test('sets a config as the same bytes from the sequencer do', () => {
    const chain = createChain()
    const raw = setConfigToBytes(update(initial, alice))
    const { receipts, reasons } = chain.appendOnNextOrigin([deposit(raw)])
    expect(reasons).toEqual([undefined])
    expect(receipts).toMatchObject([
      { type: 0x7e, status: 1, cumulativeGasUsed: BigInt(deposit(raw).length) },
    ])
    expect(createChain().append([raw]).receipts[0]?.logs).toEqual(receipts[0]?.logs)
  })

  test('goes before set-configs and takes the nonce from them', () => {
    const chain = createChain()
    const forced = deposit(setConfigToBytes(update(initial, alice, { data: '0x01' })))
    const late = setConfigToBytes(update(initial, alice, { data: '0x02' }))
    expect(chain.appendOnNextOrigin([forced, late]).reasons).toEqual([undefined, 'NONCE_TOO_LOW'])
  })

  test('of anything but a decodable set-config for the predeploy has status 0 and does no harm', () => {
    const raw = setConfigToBytes(update(initial, alice))
    const otherChain = setConfigToBytes({ ...update(initial, alice), chainId: 1n })
    const { receipts, reasons, block } = createChain().appendOnNextOrigin([
      deposit(new Uint8Array()),
      deposit(raw.subarray(0, -1)),
      deposit(new Uint8Array(40_000)),
      deposit(otherChain),
      deposit(raw, { to: `0x${'42'.repeat(20)}` }),
      deposit(raw, { to: undefined }),
    ])
    expect(reasons).toEqual(Array(6).fill('UNDECODABLE'))
    expect(receipts.every(({ status, logs }) => status === 0 && logs.length === 0)).toBe(true)
    expect(block.header.withdrawalsRoot).toBe(EMPTY_TRIE_ROOT)
  })
})

describe('a recovery', () => {
  const start = update(initial, guardian, {}, { kind: 1, nextSigner: bob })

  test('is started by guardians: its hash and time stand in their slots, and a log tells of it', () => {
    const chain = createChain()
    const { receipts, block, configs } = chain.append([setConfigToBytes(start)])
    const readyAt = chain.timestamp() + 60n
    const nextHash = configHash(start.next)
    expect(chain.read(ID)).toEqual({
      configHash: ID,
      written: false,
      recovery: { configHash: nextHash, readyAt },
    })
    const slots = recoverySlots(ID)
    const withHash = keystorePut(emptyTrie(), slots.hash, nextHash)
    expect(block.header.withdrawalsRoot).toBe(trieRoot(keystorePut(withHash, slots.readyAt, hashOf(readyAt))))
    expect(BigInt(slots.readyAt)).toBe(BigInt(slots.hash) + 1n)
    const [log] = receipts[0]?.logs ?? []
    expect(
      decodeEventLog({
        abi: keystoreEventsAbi,
        topics: log?.topics as [Hex, Hex],
        data: toHex(log?.data ?? new Uint8Array()),
      }),
    ).toMatchObject({
      eventName: 'RecoveryStarted',
      args: { id: ID, nonce: 1n, configHash: nextHash, readyAt },
    })
    const encoded = (config: Config) => ({ config, rlp: configToRlp(config) })
    expect(configs).toEqual(
      new Map([
        [nextHash, encoded(start.next)],
        [ID, encoded(initial)],
      ]),
    )
  })

  test('takes effect when its time has come and somebody completes it, not a block earlier', () => {
    const chain = createChain()
    chain.append([setConfigToBytes(start)])
    const complete = setConfigToBytes(completion(start))
    for (let waited = 6; waited < 60; waited += 6) {
      expect(chain.append([complete]).reasons).toEqual(['RECOVERY_NOT_READY'])
    }
    expect(chain.append([complete]).reasons).toEqual([undefined])
    expect(chain.read(ID)).toEqual({
      configHash: configHash(start.next),
      written: true,
      recovery: undefined,
    })
    expect(chain.append([setConfigToBytes(update(start.next, bob))]).reasons).toEqual([undefined])
  })

  test('is refused while one is pending, in the same block too', () => {
    const chain = createChain()
    const another = update(initial, guardian, { data: '0x02' }, { kind: 1, nextSigner: bob })
    expect(chain.append([start, another].map(setConfigToBytes)).reasons).toEqual([
      undefined,
      'RECOVERY_PENDING',
    ])
    expect(chain.append([setConfigToBytes(another)]).reasons).toEqual(['RECOVERY_PENDING'])
  })

  test('is cancelled by an update of the signers, after which a new one may start', () => {
    const chain = createChain()
    chain.append([setConfigToBytes(start)])
    const signOfLife = update(initial, alice)
    expect(chain.append([setConfigToBytes(signOfLife)]).reasons).toEqual([undefined])
    expect(chain.read(ID).recovery).toBeUndefined()
    const again = update(signOfLife.next, guardian, {}, { kind: 1, nextSigner: bob })
    expect(chain.append([completion(start), completion(again), again].map(setConfigToBytes)).reasons).toEqual(
      ['NONCE_TOO_LOW', 'NO_RECOVERY_PENDING', undefined],
    )
    expect(chain.read(ID).recovery?.configHash).toBe(configHash(again.next))
  })

  test('keeps its slots from whoever names one of them as a keystore', () => {
    const chain = createChain()
    const { hash, readyAt } = recoverySlots(ID)
    chain.append([setConfigToBytes(start)])
    chain.append([setConfigToBytes(update(initial, alice))])
    // The config in the slot of its hash is bob's, and once signed on it would be the next recovery, its time long past.
    const takeover = setConfigToBytes(update(start.next, bob, {}, { id: hash }))
    const recoveryOfIt = setConfigToBytes(update(start.next, guardian, {}, { id: hash, kind: 1 }))
    const nonsense = setConfigToBytes(update(start.next, bob, {}, { id: readyAt }))
    expect(chain.append([takeover, recoveryOfIt, nonsense]).reasons).toEqual(
      new Array(3).fill('NONCE_TOO_HIGH'),
    )
    expect(chain.appendOnNextOrigin([takeover, nonsense].map((raw) => deposit(raw))).reasons).toEqual(
      new Array(2).fill('NONCE_TOO_HIGH'),
    )
    expect(chain.read(ID).recovery).toBeUndefined()
    for (const id of [hash, readyAt]) {
      expect(chain.read(id)).toEqual({ configHash: id, written: false, recovery: undefined })
    }
  })

  test('of a keystore that was written before brings no config but the next one', () => {
    const chain = createChain()
    const first = update(initial, alice)
    chain.append([setConfigToBytes(first)])
    const later = update(first.next, guardian, {}, { kind: 1, nextSigner: bob })
    const { configs } = chain.append([setConfigToBytes(later)])
    expect([...configs.keys()]).toEqual([configHash(later.next)])
  })

  test('waits for the delay of the config in force, not of the next one', () => {
    const chain = createChain()
    const hasty = update(
      initial,
      guardian,
      { guardians: NO_AUTHORITY, recoveryDelay: 0 },
      { kind: 1, nextSigner: bob },
    )
    chain.append([setConfigToBytes(hasty)])
    expect(chain.read(ID).recovery?.readyAt).toBe(chain.timestamp() + 60n)
  })
})

describe('attributes that cannot follow the parent are a fault', () => {
  const raw = setConfigToBytes(update(initial, alice))
  const l1Origin = { ...L1_GENESIS, parentBeaconBlockRoot: ZERO_HASH }
  const next = { number: 101n, hash: hashOf(101n), parentBeaconBlockRoot: ZERO_HASH }
  test.each<[string, readonly Uint8Array[], Partial<BlockAttributes>]>([
    ['a timestamp a second off', [], { timestamp: GENESIS_TIME + 7n }],
    ['a sequence number that stays', [], { sequenceNumber: 0n }],
    ['a sequence number that skips', [], { sequenceNumber: 2n }],
    ['another hash of the same origin', [], { l1Origin: { ...l1Origin, hash: hashOf(5n) } }],
    ['the next origin without a new count', [], { l1Origin: next, sequenceNumber: 1n }],
    ['an origin that skips', [], { l1Origin: { ...next, number: 102n }, sequenceNumber: 0n }],
    ['an earlier origin', [], { l1Origin: { ...next, number: 99n }, sequenceNumber: 0n }],
    ['a deposit after a set-config', [raw, deposit(raw)], { l1Origin: next, sequenceNumber: 0n }],
    ['a deposit in the second block of an origin', [deposit(raw)], {}],
    ['a malformed deposit', [Uint8Array.of(0x7e, 0xc0)], { l1Origin: next, sequenceNumber: 0n }],
    [
      'more set-configs than a block holds',
      Array<Uint8Array>(Math.floor(MAX_BLOCK_BYTES / raw.length) + 1).fill(raw),
      {},
    ],
  ])('%s', (_, transactions, changes) => {
    expect(() => createChain().execute(transactions, changes)).toThrow(
      expect.objectContaining({ name: 'BlockAttributesError' }),
    )
  })

  test('a byte of set-configs more than a block holds, and not the last one that it holds', () => {
    const rawOf = (length: number) =>
      setConfigToBytes(update(initial, alice, { data: `0x${'01'.repeat(length)}` }))
    const around = rawOf(4_000).length - 4_000
    const share = MAX_BLOCK_BYTES / 30
    const shares = Array<Uint8Array>(29).fill(rawOf(share - around))
    const { block } = createChain().execute([...shares, rawOf(share - around)])
    expect(block.header.gasUsed).toBe(BigInt(MAX_BLOCK_BYTES))
    expect(() => createChain().execute([...shares, rawOf(share - around + 1)])).toThrow(
      `got ${MAX_BLOCK_BYTES + 1} bytes of set-configs`,
    )
  })

  test.each<[string, Uint8Array]>([
    ['no bytes', new Uint8Array()],
    ['bytes of another type', Uint8Array.of(0x02, 0xc0)],
    ['a set-config of another rollup', setConfigToBytes({ ...update(initial, alice), chainId: 1n })],
  ])('%s in place of a set-config', (_, bytes) => {
    expect(() => createChain().execute([raw, bytes])).toThrow(
      expect.objectContaining({ name: 'UndecodableTransactionError', index: 1 }),
    )
  })
})

test('a reader that lacks a trie node or a config makes it fail, not go on', () => {
  const chain = createChain()
  const first = update(initial, alice)
  const { block } = chain.append([setConfigToBytes(first)])
  const second = setConfigToBytes(update(first.next, alice))
  const attributes: BlockAttributes = {
    timestamp: block.header.timestamp + 6n,
    l1Origin: { ...L1_GENESIS, parentBeaconBlockRoot: ZERO_HASH },
    sequenceNumber: 2n,
    transactions: [second],
  }
  const run = (reader: Parameters<typeof stateTransition>[0]['reader']) =>
    stateTransition({ rollup: RULES, parent: block.header, attributes, reader, verify: verifySignature })
  const withNodes = (read: TrieReader) => (root: Hex) => trieFromRoot(root, 0, read)
  expect(() => run({ trie: withNodes(() => undefined), config: (hash) => chain.configs.get(hash) })).toThrow(
    expect.objectContaining({ name: 'MissingNodeError' }),
  )
  const { trie } = createChain().append([setConfigToBytes(first)])
  expect(() => run({ trie: withNodes(createNodeMap(trie).read), config: () => undefined })).toThrow(
    expect.objectContaining({ name: 'MissingConfigError' }),
  )
})

describe('whatever happens to a few keystores', () => {
  const signers = [bob, createTestSigner(1, 'carol'), createTestSigner(1, 'dave')] as const
  const signerAt = (index: number) => signers[index % signers.length] as TestSigner
  type Step = { keystore: number; by: number; to: number; salt: number; skip: boolean }
  const arbitraryStep: fc.Arbitrary<Step> = fc.record({
    keystore: fc.nat(2),
    by: fc.nat(2),
    to: fc.nat(2),
    salt: fc.nat(255),
    skip: fc.boolean(),
  })

  /** Plays steps on a model that knows of each keystore only its config and who holds its key. */
  function play(steps: readonly Step[]) {
    const keystores = signers.map((holder, i) => {
      const root = createSignerTree([holder]).root
      const config: Config = {
        nonce: 0n,
        signers: { root, threshold: 1 },
        guardians: NO_AUTHORITY,
        recoveryDelay: 0,
        maxStaleness: 0,
        data: `0x0${i}`,
      }
      return { id: configHash(config), initial: config, config, holder: holder as TestSigner }
    })
    const played = steps.map(({ keystore, by, to, salt, skip }) => {
      const at = keystores[keystore] as (typeof keystores)[number]
      const isSame = signerAt(to) === at.holder
      const nonce = at.config.nonce + (skip ? 2n : 1n)
      const tx = update(
        at.config,
        signerAt(by),
        { nonce, data: `0x${salt.toString(16).padStart(2, '0')}` },
        { id: at.id, ...(isSame ? {} : { nextSigner: signerAt(to) }) },
      )
      const sent: SetConfig = { ...tx, initial: nonce === 1n ? at.initial : undefined }
      const isValid = !skip && signerAt(by) === at.holder
      if (isValid) {
        at.config = tx.next
        at.holder = signerAt(to)
      }
      return { raw: setConfigToBytes(sent), isValid }
    })
    return { played, keystores }
  }

  test('each transaction counts exactly when the model says so, in one block or in many', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { maxLength: 8 }), (steps) => {
        const { played, keystores } = play(steps)
        const inOne = createChain()
        const { receipts } = inOne.append(played.map(({ raw }) => raw))
        expect(receipts.map(({ status }) => status === 1)).toEqual(played.map(({ isValid }) => isValid))
        const inMany = createChain()
        const roots = played.map(({ raw }) => inMany.append([raw]).block.header.withdrawalsRoot)
        expect(roots).toEqual(receipts.map(({ keystoreRoot }) => keystoreRoot))
        for (const { id, config } of keystores) {
          expect(inOne.read(id).configHash).toBe(configHash(config))
          expect(inMany.read(id).configHash).toBe(configHash(config))
        }
      }),
      { numRuns: 30 },
    )
  })

  test('the same attributes on the same parent give the same block, byte for byte', () => {
    fc.assert(
      fc.property(fc.array(arbitraryStep, { minLength: 1, maxLength: 5 }), (steps) => {
        const raws = play(steps).played.map(({ raw }) => raw)
        const chain = createChain()
        const { trie: first, ...once } = chain.execute(raws)
        const { trie: second, ...again } = chain.execute(raws)
        expect(again).toEqual(once)
        expect(trieRoot(second)).toBe(trieRoot(first))
        expect(createChain().execute(raws).block.hash).toBe(chain.execute(raws).block.hash)
      }),
      { numRuns: 15 },
    )
  })
})
