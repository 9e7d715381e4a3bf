import { advance, END_OF_TIME, judge, type KeystoreView } from './KeystoreView.ts'
import type { PoolEntry } from './PoolEntry.ts'

/** The live entries of one keystore in the order in which they can take effect, and the views before and after them. */
export interface KeystoreQueue {
  readonly entries: readonly PoolEntry[]
  /** The keystore at the pool's head. */
  base(): KeystoreView
  /** The keystore when all that waits has taken effect: what the next submission is validated against. */
  tip(): KeystoreView
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

  return {
    get entries() {
      return entries
    },
    base,
    tip() {
      if (tipView !== undefined) return tipView
      let view = base()
      for (const entry of entries) {
        if (entry.body !== undefined && judge(view, entry, END_OF_TIME).verdict === 'ready') {
          view = advance(view, { ...entry, ...entry.body }, END_OF_TIME)
        }
      }
      tipView = view
      return view
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

/** By nonce, because a config can be promised again after the one before it; by promise within a nonce. */
function byNonce(a: PoolEntry, b: PoolEntry): number {
  if (a.nonce !== b.nonce) return a.nonce < b.nonce ? -1 : 1
  return a.sequence < b.sequence ? -1 : 1
}
