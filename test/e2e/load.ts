import { setTimeout as pause } from 'node:timers/promises'
import type { Hex } from 'viem'
import { toHex } from '../../protocol/index.ts'
import { rpc } from '../sequencerWorld.ts'
import { createTestKeystore, type SignedSetConfig } from '../TestKeystore.ts'

/** A promise that reached its client. */
export type Acknowledged = { tx: SignedSetConfig; byBlock: number; signature: Hex }

/** A client that sends one set-config after the other, and remembers every promise that it was given. */
export interface Load {
  /** In the order in which they were given. */
  readonly promises: readonly Acknowledged[]
  /** Ends it once the set-config under way is promised: nothing is left whose fate the client does not know. */
  stop(): Promise<void>
}

/** What passes by itself: then the same bytes are sent again. */
const PASSING = ['KEYSTORE_QUEUE_FULL', 'POOL_FULL', 'SEQUENCER_NOT_READY', 'NO_BATCH_YET']

type PromiseJson = { promise: { txHash: Hex; configHash: Hex; byBlock: Hex }; signature: Hex }

/** Starts a client with some keystores, in turn; `urlOf` is where the sequencer is now. */
export function startLoad({
  chainId,
  name,
  urlOf,
  pauseMs,
  patienceMs = 120_000,
}: {
  chainId: bigint
  name: string
  urlOf: () => string
  pauseMs: number
  /** So long a set-config may remain without a promise. */
  patienceMs?: number
}): Load {
  const keystores = Array.from({ length: 4 }, (_, i) => createTestKeystore(chainId, `${name} ${i}`))
  const promises: Acknowledged[] = []
  let isStopping = false
  const running = run()
  // Whoever stops it hears of its failure.
  running.catch(() => undefined)

  async function run(): Promise<void> {
    for (let i = 0; !isStopping; i++) {
      const tx = keystores[i % keystores.length]?.update({ data: `0x${i.toString(16).padStart(8, '0')}` })
      if (tx === undefined) return
      const { promise, signature } = await submit(tx)
      if (promise.configHash !== tx.configHash) throw new RangeError(`promised ${promise.configHash}`)
      promises.push({ tx, byBlock: Number(promise.byBlock), signature })
      await pause(pauseMs)
    }
  }

  async function submit(tx: SignedSetConfig): Promise<PromiseJson> {
    const signal = AbortSignal.timeout(patienceMs)
    for (;;) {
      try {
        return await rpc<PromiseJson>(urlOf(), 'keyroll_sendConfig', [toHex(tx.raw)], { signal })
      } catch (error) {
        if (!isPassing(error)) throw error
        await pause(pauseMs)
        if (signal.aborted) throw error
      }
    }
  }

  return {
    promises,
    async stop() {
      isStopping = true
      await running
    },
  }
}

/** A refusal that passes, or a process that is not there. */
function isPassing(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof SyntaxError) return true
  const reason = (error as { data?: { reason?: string } }).data?.reason
  return reason !== undefined && PASSING.includes(reason)
}
