import { createClient, custom, type Hex, http, numberToHex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { devnetAccounts } from '../../devnet/accounts.ts'
import {
  accountProofNodes,
  type ConfigPromise,
  configHash,
  configToJson,
  emptyTrie,
  keystoreProof,
  keystorePut,
  promiseDigest,
  promiseTypedData,
  stateRootOf,
  toHex,
  trieRoot,
} from '../../protocol/index.ts'
import { startHttpServer } from '../../test/httpServer.ts'
import { createTestSigner } from '../../test/testSigners.ts'
import {
  createKeystore,
  createNextConfig,
  findPromiseFault,
  KeyrollRefusedError,
  keyrollActions,
  SetConfigFailedError,
  StatusTimeoutError,
  signSetConfig,
  WrongNodeAnswerError,
} from '../index.ts'

const HASH: Hex = `0x${'ab'.repeat(32)}`
const signer = createTestSigner(1, 'user')
const { id, initial } = createKeystore({ signers: [signer] })

/** A client of a node that gives these answers, one after the other, and then the last for ever. */
function nodeAnswering(...answers: unknown[]) {
  const asked: unknown[] = []
  const request = async (question: unknown) => {
    asked.push(question)
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer
  }
  const client = createClient({ transport: custom({ request }, { retryCount: 0 }), pollingInterval: 10 })
  return Object.assign(client.extend(keyrollActions()), { asked })
}

const refusal = (code: number, reason: string) =>
  Object.assign(new Error('no'), { code, data: { reason, more: 1 } })

describe('getConfig', () => {
  const answer = {
    id,
    configHash: id,
    written: false,
    config: configToJson(initial),
    recovery: null,
    blockNumber: '0x7',
    blockHash: HASH,
  }

  test('reads what the node says', async () => {
    const node = nodeAnswering(answer)
    await expect(node.getConfig({ id, block: 7n })).resolves.toEqual({
      id,
      configHash: id,
      written: false,
      config: initial,
      recovery: undefined,
      blockNumber: 7n,
      blockHash: HASH,
    })
    expect(node.asked).toEqual([{ method: 'keyroll_getConfig', params: [id, '0x7'] }])
  })

  test('reads a recovery, and a keystore of which the node knows only the hash', async () => {
    const recovery = { configHash: HASH, readyAt: '0x64' }
    const read = await nodeAnswering({ ...answer, config: null, recovery }).getConfig({ id })
    expect(read).toMatchObject({ config: undefined, recovery: { configHash: HASH, readyAt: 100n } })
  })

  test.each([
    ['nothing', null],
    ['a config of another hash', { ...answer, written: true, configHash: HASH }],
    ['another hash for a keystore that nobody wrote', { ...answer, config: null, configHash: HASH }],
    ['a config that is none', { ...answer, config: { nonce: 7 } }],
    ['a number for a quantity', { ...answer, blockNumber: 7 }],
    ['no block hash', { ...answer, blockHash: undefined }],
  ])('refuses %s', async (_name, wrong) => {
    await expect(nodeAnswering(wrong).getConfig({ id })).rejects.toThrow(WrongNodeAnswerError)
  })
})

describe('getConfigProof', () => {
  const keystore = keystorePut(keystorePut(emptyTrie(), HASH, HASH), id, configHash(initial))
  const keystoreRoot = trieRoot(keystore)
  const answer = {
    id,
    configHash: id,
    written: true,
    config: configToJson(initial),
    blockNumber: '0x7',
    blockHash: HASH,
    stateRoot: stateRootOf(keystoreRoot),
    keystoreRoot,
    accountProof: accountProofNodes(keystoreRoot).map(toHex),
    storageProof: keystoreProof(keystore, id).map(toHex),
  }

  test('verifies presence and absence', async () => {
    await expect(nodeAnswering(answer).getConfigProof({ id })).resolves.toMatchObject({
      written: true,
      configHash: id,
      config: initial,
    })
    const other = createKeystore({ signers: [signer] })
    const storageProof = keystoreProof(keystore, other.id).map(toHex)
    const absent = { ...answer, id: other.id, storageProof, config: null, written: false }
    await expect(nodeAnswering(absent).getConfigProof({ id: other.id })).resolves.toMatchObject({
      written: false,
      configHash: other.id,
    })
  })

  test.each([
    ['another state root', { ...answer, stateRoot: HASH }],
    ['another keystore root', { ...answer, keystoreRoot: HASH, stateRoot: stateRootOf(HASH) }],
    ['a proof of another slot', { ...answer, storageProof: keystoreProof(keystore, HASH).map(toHex) }],
    ['a config of another hash', { ...answer, config: configToJson({ ...initial, data: '0x01' }) }],
    ['a config that is none', { ...answer, config: { nonce: 7 } }],
    ['no account proof', { ...answer, accountProof: [] }],
    ['an account proof that proves nothing', { ...answer, accountProof: ['0xdeadbeef'] }],
    ['the account of another state', { ...answer, accountProof: accountProofNodes(HASH).map(toHex) }],
  ])('refuses %s', async (_name, wrong) => {
    await expect(nodeAnswering(wrong).getConfigProof({ id })).rejects.toThrow(WrongNodeAnswerError)
  })
})

test.each(['getConfig', 'getConfigProof'] as const)(
  '%s answers for the keystore asked for',
  async (action) => {
    const keystore = keystorePut(emptyTrie(), id, configHash(initial))
    const keystoreRoot = trieRoot(keystore)
    const node = nodeAnswering({
      id: HASH,
      configHash: id,
      written: true,
      config: configToJson(initial),
      blockNumber: '0x7',
      blockHash: HASH,
      stateRoot: stateRootOf(keystoreRoot),
      keystoreRoot,
      accountProof: accountProofNodes(keystoreRoot).map(toHex),
      storageProof: keystoreProof(keystore, id).map(toHex),
    })
    const asked: Hex = `0x${id.slice(2).toUpperCase()}`
    await expect(node[action]({ id: asked })).resolves.toMatchObject({ id, config: initial })
  },
)

describe('getStatus', () => {
  test('reads every stage with what belongs to it', async () => {
    const output = { index: '0x1', outputRoot: HASH, l1Timestamp: '0x2', l2BlockNumber: '0x3' }
    const l1 = { blockNumber: '0x4', blockHash: HASH, transactionHash: null }
    const answer = { transactionHash: HASH, blockNumber: '0x5', blockHash: HASH, valid: true, l1, output }
    await expect(
      nodeAnswering({ stage: 'finalized', ...answer }).getStatus({ transactionHash: HASH }),
    ).resolves.toEqual({
      stage: 'finalized',
      transactionHash: HASH,
      blockNumber: 5n,
      blockHash: HASH,
      valid: true,
      l1: { blockNumber: 4n, blockHash: HASH, transactionHash: undefined },
      output: { index: 1n, outputRoot: HASH, l1Timestamp: 2n, l2BlockNumber: 3n },
    })
    const unknown = nodeAnswering({ stage: 'unknown', transactionHash: HASH })
    await expect(unknown.getStatus({ transactionHash: HASH })).resolves.toEqual({
      stage: 'unknown',
      transactionHash: HASH,
    })
  })

  test('refuses a stage that does not exist', async () => {
    const node = nodeAnswering({ stage: 'confirmed', transactionHash: HASH })
    await expect(node.getStatus({ transactionHash: HASH })).rejects.toThrow(WrongNodeAnswerError)
  })

  test('answers for the set-config asked for', async () => {
    const node = nodeAnswering({ stage: 'finalized', transactionHash: HASH, valid: true })
    await expect(node.getStatus({ transactionHash: id })).rejects.toThrow(WrongNodeAnswerError)
    const inCapitals: Hex = `0x${HASH.slice(2).toUpperCase()}`
    await expect(node.getStatus({ transactionHash: inCapitals })).resolves.toMatchObject({ valid: true })
  })
})

describe('waitForStatus', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())
  const at = (stage: string, more: object = {}) => ({ stage, transactionHash: HASH, ...more })

  test('polls until the stage is reached or passed', async () => {
    const node = nodeAnswering(at('unknown'), at('pending'), at('unsafe', { valid: true }), at('proposed'))
    const waiting = node.waitForStatus({ transactionHash: HASH, stage: 'safe' })
    await vi.advanceTimersByTimeAsync(100)
    await expect(waiting).resolves.toMatchObject({ stage: 'proposed' })
    expect(node.asked).toHaveLength(4)
  })

  test('gives up at the deadline, with the last status', async () => {
    const node = nodeAnswering(at('pending'))
    const waiting = node.waitForStatus({ transactionHash: HASH, stage: 'safe', timeout: 1000 })
    const outcome = expect(waiting).rejects.toThrow(StatusTimeoutError)
    await vi.advanceTimersByTimeAsync(999)
    const { length } = node.asked
    await vi.advanceTimersByTimeAsync(1000)
    await outcome
    expect(node.asked.length).toBeLessThanOrEqual(length + 1)
    await expect(waiting).rejects.toMatchObject({ status: { stage: 'pending' } })
  })

  test('outlives questions that fail', async () => {
    const [away, broken] = [new TypeError('fetch failed'), refusal(-32603, 'INTERNAL')]
    const node = nodeAnswering(away, at('pending'), broken, away, at('safe'))
    const waiting = node.waitForStatus({ transactionHash: HASH, stage: 'safe' })
    await vi.advanceTimersByTimeAsync(100)
    await expect(waiting).resolves.toMatchObject({ stage: 'safe' })
  })

  test.each([
    ['after it answered', [at('pending')], { stage: 'pending' }],
    ['and never answered', [], undefined],
  ] as const)('names the last failure of a node that is away %s', async (_name, answers, status) => {
    const node = nodeAnswering(...answers, refusal(-32603, 'INTERNAL'))
    const waiting = node.waitForStatus({ transactionHash: HASH, stage: 'safe', timeout: 100 })
    const outcome = expect(waiting).rejects.toMatchObject({ name: 'StatusTimeoutError', status })
    await vi.advanceTimersByTimeAsync(200)
    await outcome
    await expect(waiting).rejects.toMatchObject({ cause: expect.any(KeyrollRefusedError) })
    await expect(waiting).rejects.toThrow(`is ${status?.stage ?? 'of no known stage'} after 100 ms`)
    await expect(waiting).rejects.toThrow('The last question failed: The node refused keyroll_getStatus')
  })

  test.each([
    ['the node refuses it for ever', refusal(-32601, 'UNKNOWN_METHOD'), 'UNKNOWN_METHOD'],
    ['who answers is no Keyroll node', Object.assign(new Error('what?'), { code: -32601 }), 'what?'],
  ])('stops when %s', async (_name, error, words) => {
    const waiting = nodeAnswering(error).waitForStatus({ transactionHash: HASH, stage: 'safe' })
    await expect(waiting).rejects.toThrow(words)
  })

  test('stops when the set-config stands in a block without effect', async () => {
    const node = nodeAnswering(at('unsafe', { valid: false, invalidReason: 'NONCE_TOO_LOW' }))
    const waiting = node.waitForStatus({ transactionHash: HASH, stage: 'finalized' })
    await expect(waiting).rejects.toThrow(SetConfigFailedError)
    await expect(waiting).rejects.toThrow('NONCE_TOO_LOW')
  })

  test('stops when the set-config was displaced', async () => {
    const node = nodeAnswering(at('unknown', { displacedReason: 'NONCE_TOO_LOW' }))
    const waiting = node.waitForStatus({ transactionHash: HASH, stage: 'unsafe' })
    await expect(waiting).rejects.toThrow(SetConfigFailedError)
  })

  test('stops when it is aborted', async () => {
    const controller = new AbortController()
    const { signal } = controller
    const waiting = nodeAnswering(at('pending')).waitForStatus({
      transactionHash: HASH,
      stage: 'safe',
      signal,
    })
    const outcome = expect(waiting).rejects.toThrow('enough')
    await vi.advanceTimersByTimeAsync(50)
    controller.abort(new Error('enough'))
    await outcome
  })
})

describe('sendConfig', () => {
  const sequencer = privateKeyToAccount(devnetAccounts().promiseSigner.privateKey)
  const rollup = { l2ChainId: 77n, minRecoveryDelay: 0, challengePeriod: 1 }
  const next = createNextConfig(initial, { data: '0x02' })

  async function signed() {
    const sign = async ({ digest }: { digest: Hex }) => signer.sign(digest)
    const configSigner = { ...signer, sign }
    return signSetConfig({
      ...{ rollup, kind: 0, id, current: initial, next },
      authority: [signer],
      approvers: [configSigner],
    })
  }

  async function promised(changes: Partial<ConfigPromise> = {}) {
    const { tx, transactionHash } = await signed()
    const promise: ConfigPromise = {
      id,
      kind: 0,
      nonce: 1n,
      configHash: configHash(next),
      txHash: transactionHash,
      byBlock: 9n,
      ...changes,
    }
    const signature = await sequencer.signTypedData(promiseTypedData(rollup.l2ChainId, promise))
    const answer = {
      promise: {
        ...promise,
        kind: numberToHex(promise.kind),
        nonce: numberToHex(promise.nonce),
        byBlock: numberToHex(promise.byBlock),
      },
      signature,
      signer: sequencer.address,
    }
    return { tx, promise, answer }
  }

  test('returns a promise that can be checked', async () => {
    const { tx, promise, answer } = await promised()
    const { raw } = await signed()
    const received = await nodeAnswering(answer).sendConfig({ raw })
    expect(received.promise).toEqual(promise)
    const check = { signed: received, l2ChainId: rollup.l2ChainId, promiseSigner: sequencer.address, tx }
    expect(findPromiseFault(check)).toBeUndefined()
    expect(findPromiseFault({ ...check, l2ChainId: 78n })).toBe('BAD_SIGNATURE')
    expect(findPromiseFault({ ...check, promiseSigner: devnetAccounts().user.address })).toBe('WRONG_SIGNER')
    expect(findPromiseFault({ ...check, latestByBlock: 9n })).toBeUndefined()
    expect(findPromiseFault({ ...check, latestByBlock: 8n })).toBe('TOO_LATE')
    const forged = { ...received, promise: { ...promise, byBlock: 1n } }
    expect(findPromiseFault({ ...check, signed: forged })).toBe('BAD_SIGNATURE')
    expect(promiseDigest(rollup.l2ChainId, forged.promise)).not.toBe(promiseDigest(rollup.l2ChainId, promise))
  })

  test.each([
    ['another keystore', { id: HASH }],
    ['another config', { configHash: HASH }],
    ['another nonce', { nonce: 2n }],
    ['a recovery', { kind: 1 }],
  ] as const)('returns a promise for %s that is found out', async (_name, changes) => {
    const { tx, answer } = await promised(changes)
    const received = await nodeAnswering(answer).sendConfig({ raw: '0x' })
    const check = { signed: received, l2ChainId: rollup.l2ChainId, promiseSigner: sequencer.address, tx }
    expect(findPromiseFault(check)).toBe('OTHER_CONFIG')
  })

  test("says why the node refused, by the node's own reason", async () => {
    const sending = nodeAnswering(refusal(-32003, 'NONCE_TOO_LOW')).sendConfig({ raw: '0x4b' })
    await expect(sending).rejects.toThrow(KeyrollRefusedError)
    await expect(sending).rejects.toMatchObject({ reason: 'NONCE_TOO_LOW', code: -32003, data: { more: 1 } })
  })

  test("says it in the node's own words, without the URL, which may hold a key", async () => {
    const error = { code: -32003, message: 'not now', data: { reason: 'NONCE_TOO_LOW' } }
    const server = await startHttpServer(async (_path, body) =>
      Response.json({ jsonrpc: '2.0', id: JSON.parse(body).id, error }),
    )
    const node = createClient({ transport: http(`${server.url}/v3/secret`) }).extend(keyrollActions())
    await expect(node.sendConfig({ raw: '0x4b' })).rejects.toMatchObject({
      name: 'KeyrollRefusedError',
      message: 'The node refused keyroll_sendConfig (NONCE_TOO_LOW): not now',
    })
    await server.close()
  })

  test('passes on faults that are no refusal', async () => {
    const sending = nodeAnswering(new TypeError('fetch failed')).sendConfig({ raw: '0x4b' })
    await expect(sending).rejects.not.toBeInstanceOf(KeyrollRefusedError)
  })

  test('refuses a promise with a kind that does not exist', async () => {
    const { answer } = await promised()
    const wrong = { ...answer, promise: { ...answer.promise, kind: '0x3' } }
    await expect(nodeAnswering(wrong).sendConfig({ raw: '0x' })).rejects.toThrow(WrongNodeAnswerError)
  })
})
