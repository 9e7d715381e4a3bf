import { createL1Client, type L1Client } from '../../node/index.ts'
import type { FakeL1Action } from '../FakeL1.ts'
import { createHashedL1, createHashKzg } from '../HashedL1.ts'
import { createLiar } from '../l1Lies.ts'
import type { Random } from './Random.ts'
import type { L1Chain } from './SimulatedL1.ts'
import type { Timeline } from './Timeline.ts'

/** An L1 whose blocks have their real hashes, for real clients: some of its nodes fail, and one of each kind lies. */
export interface LyingL1 {
  readonly chain: L1Chain
  /** Asks a node that nobody else asks, and that tells the truth. */
  readonly truth: L1Client
  /** Makes a client of three execution nodes and two beacon nodes, `quorum` of which must agree. */
  connect(quorum: number): L1Client
}

const URLS = ['http://rpc1', 'http://rpc2', 'http://rpc3']
const BEACON_URLS = ['http://beacon1', 'http://beacon2']
const LIARS: readonly string[] = ['rpc1', 'beacon1']
const TRUTH = { urls: ['http://truth'], beaconUrls: ['http://beacon-truth'] }
const ALWAYS_HONEST: readonly string[] = ['truth', 'beacon-truth']

/** Makes such an L1 that has a single block; `fails` is the chance that an honest node does not answer. */
export function createLyingL1({
  genesis,
  random,
  timeline,
  fails,
}: {
  genesis: { chainId: bigint; number: bigint; timestamp: bigint }
  random: Random
  timeline: Pick<Timeline, 'hold' | 'now'>
  fails: () => number
}): LyingL1 {
  const l1 = createHashedL1(genesis)
  const fork = createHashedL1(genesis)
  const liar = createLiar(random.next, fork)
  l1.lie = (question, truth) => {
    if (LIARS.includes(question.host)) return liar(question, truth)
    const isAway = !ALWAYS_HONEST.includes(question.host) && random.chance(fails())
    return isAway ? Promise.reject(new TypeError('fetch failed')) : truth
  }
  const common = { http: l1.http, kzg: createHashKzg(), retryPauseMs: 0, now: timeline.now }

  return {
    truth: inNoTime(createL1Client({ ...common, ...TRUTH }), timeline),
    connect: (quorum) =>
      inNoTime(createL1Client({ ...common, urls: URLS, beaconUrls: BEACON_URLS, quorum }), timeline),
    chain: {
      head: l1.head,
      mine(actions = [], seconds) {
        fork.mine([OTHER_DEPOSIT, ...actions.filter(({ kind }) => kind !== 'batch')], seconds)
        return l1.mine(actions, seconds)
      },
      takeBack(count) {
        fork.takeBack(count)
        l1.takeBack(count)
      },
      finalize(number) {
        fork.finalize(number)
        l1.finalize(number)
      },
    },
  }
}

/** What the liars' L1 has more than the true one: it leads to other blocks of the rollup. */
const OTHER_DEPOSIT: FakeL1Action = { kind: 'deposit', from: `0x${'0f'.repeat(20)}`, data: Uint8Array.of(7) }

/** Lets the clock stand still while a real client does its work, so that a run depends on nothing else. */
function inNoTime(client: L1Client, { hold }: Pick<Timeline, 'hold'>): L1Client {
  return {
    ...client,
    chainId: () => hold(() => client.chainId()),
    assertChainId: (expected) => hold(() => client.assertChainId(expected)),
    header: (numberOrTag) => hold(() => client.header(numberOrTag)),
    headerByHash: (hash) => hold(() => client.headerByHash(hash)),
    transactions: (header) => hold(() => client.transactions(header)),
    receipts: (header) => hold(() => client.receipts(header)),
    blobs: (header, hashes) => hold(() => client.blobs(header, hashes)),
  }
}
