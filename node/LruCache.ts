/** A bounded map that forgets what was not used for long. */
export interface LruCache<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
  delete(key: K): void
}

/**
 * Makes a cache that holds at least what was used last, up to half its capacity, and never more than its capacity: entries, or
 * whatever `weigh` counts.
 *
 * Entries that are used move from an old generation to a young one; once the young one has half the capacity, it becomes the old
 * one, and what nobody used since is forgotten. Putting each entry in order of its use would cost more than most answers do.
 */
export function createLruCache<K, V>(
  capacity: number,
  weigh: (value: V) => number = () => 1,
): LruCache<K, V> {
  let young = new Map<K, V>()
  let old = new Map<K, V>()
  let weight = 0

  function put(key: K, value: V): void {
    const added = weigh(value)
    if (weight + added > capacity / 2) {
      old = young
      young = new Map()
      weight = 0
    }
    weight += added
    young.set(key, value)
  }

  function remove(key: K): void {
    old.delete(key)
    unweigh(key)
    young.delete(key)
  }

  function unweigh(key: K): void {
    const known = young.get(key)
    if (known !== undefined) weight -= weigh(known)
  }

  return {
    get(key) {
      const value = young.get(key)
      if (value !== undefined) return value
      const before = old.get(key)
      if (before !== undefined) put(key, before)
      return before
    },
    set(key, value) {
      // What weighs more would leave no room for the generation before it.
      if (weigh(value) > capacity / 2) {
        remove(key)
        return
      }
      // What the old generation has under the key, nobody sees any more.
      unweigh(key)
      put(key, value)
    },
    delete: remove,
  }
}
