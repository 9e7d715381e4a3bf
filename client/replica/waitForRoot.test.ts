import { type Address, createClient, custom, encodeFunctionResult, http, zeroHash } from 'viem'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keystoreReplicaAbi } from '../../contracts/index.ts'
import { replicaReadActions } from '../index.ts'

const REPLICA: Address = '0x00000000000000000000000000000000000000aa'
const ASKED = { source: REPLICA, outputIndex: 7n }
const ROOT = {
  stateRoot: zeroHash,
  keystoreRoot: zeroHash,
  l1Timestamp: 5,
  l1BlockNumber: 0,
  l2BlockNumber: 0,
  finalized: true,
  builtIn: true,
}
const rootOf = (l1Timestamp: number) =>
  encodeFunctionResult({ abi: keystoreReplicaAbi, functionName: 'root', result: { ...ROOT, l1Timestamp } })

/** A client of a chain whose node gives these answers, one after the other, and then the last for ever. */
function nodeAnswering(...answers: unknown[]) {
  const request = async () => {
    const answer = answers.length > 1 ? answers.shift() : answers[0]
    if (answer instanceof Error) throw answer
    return answer
  }
  const client = createClient({ transport: custom({ request }, { retryCount: 0 }), pollingInterval: 10 })
  return client.extend(replicaReadActions({ replica: REPLICA }))
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('an output is waited for, also past questions that fail', async () => {
  const [away, broken] = [new TypeError('fetch failed'), Object.assign(new Error('no'), { code: -32603 })]
  const waiting = nodeAnswering(away, rootOf(0), broken, rootOf(5)).waitForRoot(ASKED)
  await vi.advanceTimersByTimeAsync(100)
  await expect(waiting).resolves.toMatchObject({ l1Timestamp: 5 })
})

test('when the time is over, the failure of the last question is named', async () => {
  const waiting = nodeAnswering(rootOf(0), new TypeError('fetch failed')).waitForRoot({
    ...ASKED,
    timeout: 100,
  })
  const outcome = expect(waiting).rejects.toMatchObject({
    name: 'RootTimeoutError',
    message: expect.stringMatching(/after 100 ms.*The last question failed/),
    cause: { details: 'fetch failed' },
  })
  await vi.advanceTimersByTimeAsync(200)
  await outcome
})

test('the failure is named without the URL, which may hold a key', async () => {
  const fetchFn = () => Promise.reject(new TypeError('fetch failed'))
  const transport = http('http://localhost/v3/secret', { fetchFn, retryCount: 0 })
  const node = createClient({ transport }).extend(replicaReadActions({ replica: REPLICA }))
  const outcome = expect(node.waitForRoot({ ...ASKED, timeout: 100 })).rejects.toThrow(
    /failed: HTTP request failed\.$/,
  )
  await vi.advanceTimersByTimeAsync(200)
  await outcome
})

test('a failure before the last question is not named', async () => {
  const waiting = nodeAnswering(new TypeError('fetch failed'), rootOf(0)).waitForRoot({
    ...ASKED,
    timeout: 100,
  })
  const outcome = expect(waiting).rejects.toThrow(/deposit$/)
  await vi.advanceTimersByTimeAsync(200)
  await outcome
})

test('a replica that does not stand there is not waited for', async () => {
  await expect(nodeAnswering('0x').waitForRoot(ASKED)).rejects.toThrow('returned no data')
})

test('an abort ends the wait while questions fail', async () => {
  const controller = new AbortController()
  const { signal } = controller
  const waiting = nodeAnswering(new TypeError('fetch failed')).waitForRoot({ ...ASKED, signal })
  const outcome = expect(waiting).rejects.toThrow('enough')
  await vi.advanceTimersByTimeAsync(50)
  controller.abort(new Error('enough'))
  await outcome
})
