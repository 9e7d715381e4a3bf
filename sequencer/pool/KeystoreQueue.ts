import type { InvalidReason } from '../../protocol/index.ts'
import { advance, END_OF_TIME, type Judgement, judge, type KeystoreView } from './KeystoreView.ts'
import { byNonce, type PoolEntry } from './PoolEntry.ts'

/** The live entries of one keystore in the order in which they can take effect, and the views before and after them. */
export interface KeystoreQueue {
  readonly entries: readonly PoolEntry[]
  /** The keystore at the pool's head. */
  base(): KeystoreView
  /** The keystore when all that waits has taken effect: what the next submission is validated against. */
  tip(): KeystoreView
  /** Tells whether a completion in it has to wait for its recovery's delay, as after a reorg: what follows waits with it. */
  isDelayed(timestamp: bigint): boolean
  /** Lists what waits for something that is not in the queue, such as a deposit that a reorg took back. */
  groundless(): readonly { entry: PoolEntry; reason: InvalidReason }[]
  add(entry: PoolEntry): void
  remove(entry: PoolEntry): void
  /** Makes both views be read anew: a block or a rewind may have changed them. */
  invalidate(): void
}

/** Makes an empty queue over a keystore whose view at the head `read` tells. */
export function createKeystoreQueue(read: () => KeystoreView): KeystoreQueue {
  let entries: PoolEntry[] = []
  let baseView: KeystoreView | undefined
  let tipView: KeystoreView | undefined

  function base(): KeystoreView {
    baseView ??= read()
    return baseView
  }

  /** Lets everything take effect that can at a time, and hears what is said of each entry. */
  function walk(timestamp: bigint, hear: (entry: PoolEntry, judgement: Judgement) => void): KeystoreView {
    let view = base()
    for (const entry of entries) {
      const judgement = judge(view, entry, timestamp)
      hear(entry, judgement)
      if (entry.body !== undefined && judgement.verdict === 'ready') {
        view = advance(view, { ...entry, ...entry.body }, timestamp)
      }
    }
    return view
  }

  return {
    get entries() {
      return entries
    },
    base,
    tip() {
      tipView ??= walk(END_OF_TIME, () => undefined)
      return tipView
    },
    isDelayed(timestamp) {
      let isDelayed = false
      walk(timestamp, (_, judgement) => {
        isDelayed ||= judgement.verdict === 'wait' && judgement.reason === 'RECOVERY_NOT_READY'
      })
      return isDelayed
    },
    groundless() {
      const found: { entry: PoolEntry; reason: InvalidReason }[] = []
      walk(END_OF_TIME, (entry, judgement) => {
        if (judgement.verdict === 'wait') found.push({ entry, reason: judgement.reason })
      })
      return found
    },
    add(entry) {
      entries = [...entries, entry].sort(byNonce)
      tipView = undefined
    },
    remove(entry) {
      entries = entries.filter((other) => other !== entry)
      tipView = undefined
    },
    invalidate() {
      baseView = undefined
      tipView = undefined
    },
  }
}
