import { numberToHex } from 'viem'
import { TemporaryFault } from '../Fault.ts'
import type { Beacon } from './Beacon.ts'
import type { BeaconTag } from './BeaconNode.ts'
import { type L1Header, l1HeaderFromJson } from './L1Header.ts'
import type { L1Answers, L1Rpc } from './L1Rpc.ts'
import { RefusedAnswerError } from './RefusedAnswerError.ts'

/** Names an L1 block by what L1 says of it. */
export type L1Tag = 'latest' | 'safe' | 'finalized'

/**
 * Says which blocks L1 consists of. That is the one thing that no hash can tell; all else about a block follows from its hash.
 *
 * Both methods throw `TemporaryFault` when whoever is trusted gives no good answer.
 */
export interface L1Trust {
  /** Names the block at a tag; undefined while there is none. */
  tagged(tag: L1Tag): Promise<L1Header | undefined>
  /** Names the block at a number; undefined where there is none (yet). */
  numbered(number: bigint): Promise<L1Header | undefined>
}

/** Nodes in good health answer within this time after the first, in milliseconds; the others are not waited for. */
export const GRACE_MS = 1_000

const TAG_OF: Record<L1Tag, BeaconTag> = { latest: 'head', safe: 'justified', finalized: 'finalized' }

/** Trusts the first node that answers. */
export function trustFirst(rpc: L1Rpc): L1Trust {
  return {
    tagged: (tag) => rpc.request({ ...byTag(tag), read: l1HeaderFromJson }),
    numbered: (number) => rpc.request(byNumber(number)),
  }
}

/** Trusts what `quorum` nodes say, so that one less may lie together. */
export function trustQuorum(rpc: L1Rpc, quorum: number): L1Trust {
  /** Undefined when enough nodes say that they have no such block. @throws {TemporaryFault} when too few agree. */
  async function numbered(number: bigint): Promise<L1Header | undefined> {
    const agreed = ({ found }: L1Answers<L1Header>) =>
      found.find(({ hash }) => found.filter((other) => other.hash === hash).length >= quorum)
    const answers = await rpc.requestAll(byNumber(number), {
      isEnough: (some) => agreed(some) !== undefined || some.absent >= quorum,
      graceMs: 0,
    })
    const header = agreed(answers)
    if (header !== undefined || answers.absent >= quorum) return header
    throw new TemporaryFault(`fewer than ${quorum} of ${rpc.count} L1 nodes agree on block ${number}`)
  }

  async function tagged(tag: L1Tag): Promise<L1Header | undefined> {
    const { found, absent } = await rpc.requestAll(
      { ...byTag(tag), read: l1HeaderFromJson },
      { isEnough: (some) => some.found.length + some.absent >= quorum, graceMs: GRACE_MS },
    )
    const answers = found.length + absent
    if (answers < quorum) {
      throw new TemporaryFault(`${answers} of ${rpc.count} L1 nodes answered, expected at least ${quorum}`)
    }
    // Honest nodes lag by some blocks: the highest block that enough of them claim to have reached is tried first. Whoever
    // claims more than there is can spoil it, so the lower ones are tried too.
    const numbers = found.map(({ number }) => number).sort((a, b) => (a < b ? 1 : -1))
    let fault: unknown
    for (const number of new Set(numbers.slice(quorum - 1))) {
      try {
        const header = await numbered(number)
        if (header !== undefined) return header
      } catch (error) {
        if (!(error instanceof TemporaryFault)) throw error
        fault = error
      }
    }
    if (fault !== undefined) throw fault
    return undefined
  }

  return { tagged, numbered }
}

/** Trusts the chain of a beacon node; execution nodes only hand over the headers that it names. */
export function trustBeacon(
  rpc: L1Rpc,
  beacon: Pick<Beacon, 'executionHash' | 'isCanonical'>,
  headerByHash: (hash: L1Header['hash']) => Promise<L1Header | undefined>,
): L1Trust {
  return {
    async tagged(tag) {
      const hash = await beacon.executionHash(TAG_OF[tag])
      if (hash === undefined) return undefined
      const header = await headerByHash(hash)
      if (header !== undefined) return header
      throw new TemporaryFault(`no L1 node has block ${hash}, the ${tag} one of the beacon node`)
    },
    async numbered(number) {
      const question = byNumber(number)
      return await rpc.request({
        ...question,
        async read(json) {
          const header = question.read(json)
          if (await beacon.isCanonical(header)) return header
          throw new RefusedAnswerError(
            `got L1 block ${number} ${header.hash}, which the beacon node does not have`,
          )
        },
      })
    },
  }
}

function byTag(tag: L1Tag) {
  return { method: 'eth_getBlockByNumber', params: [tag, false] }
}

function byNumber(number: bigint) {
  return {
    method: 'eth_getBlockByNumber',
    params: [numberToHex(number), false],
    read(json: unknown): L1Header {
      const header = l1HeaderFromJson(json)
      if (header.number === number) return header
      throw new RefusedAnswerError(`got L1 block ${header.number}, asked for ${number}`)
    },
  }
}
