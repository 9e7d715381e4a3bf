import { type L1Client, type L1Header, ResetFault } from '../node/index.ts'

/** Walks along L1, one block at a time, and remembers the blocks that open epochs may still refer to. */
export interface L1Traversal {
  /** Gets the L1 block whose data are being read. */
  origin(): L1Header
  /** Gets a block of the chain that leads to `origin`, back to the oldest one kept. */
  headerAt(number: bigint): L1Header | undefined
  /**
   * Moves on to the next L1 block; false while L1 has none.
   *
   * @throws {ResetFault} when L1 has left the chain that was walked.
   */
  advance(): Promise<boolean>
  /** Forgets the blocks before a number. */
  forgetBelow(number: bigint): void
  /** Starts again at a block. */
  reset(start: L1Header): void
}

/** Makes a traversal; every block it gives is the child of the one before, so that no L1 node can mix two forks. */
export function createL1Traversal(l1: Pick<L1Client, 'header'>, start: L1Header): L1Traversal {
  let chain = [start]
  const origin = () => chain.at(-1) as L1Header

  return {
    origin,
    headerAt: (number) => chain[Number(number - (chain[0] as L1Header).number)],
    async advance() {
      const current = origin()
      const next = await l1.header(current.number + 1n)
      if (next === undefined) {
        const same = await l1.header(current.number)
        if (same !== undefined && same.hash !== current.hash) throw leftChain(current, same)
        return false
      }
      if (next.parentHash !== current.hash) throw leftChain(current, next)
      chain.push(next)
      return true
    },
    forgetBelow(number) {
      chain = chain.filter((header) => header.number >= number || header === origin())
    },
    reset(header) {
      chain = [header]
    },
  }
}

function leftChain(current: L1Header, other: L1Header): ResetFault {
  return new ResetFault(
    `L1 reorganised: block ${other.number} ${other.hash} does not follow ${current.hash}`,
    {
      details: { number: current.number, was: current.hash },
    },
  )
}
