import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createLruCache } from './LruCache.ts'

describe('createLruCache', () => {
  it('forgets what was used least recently', () => {
    const cache = createLruCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    expect(cache.get('a')).toBe(1)
    cache.set('c', 3)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3])
    cache.delete('a')
    expect(cache.get('a')).toBeUndefined()
  })

  it('holds no more than its capacity by weight, at least half of it, and nothing that alone weighs more', () => {
    const cache = createLruCache<number, number>(100, (weight) => weight)
    const held = () =>
      Array.from({ length: 100 }, (_, key) => key).filter((key) => cache.get(key) !== undefined)
    for (let key = 0; key < 100; key++) cache.set(key, 10)
    expect(held().length).toBeGreaterThanOrEqual(5)
    expect(held().length).toBeLessThanOrEqual(10)
    const before = held()
    cache.set(200, 51)
    expect(cache.get(200)).toBeUndefined()
    expect(held()).toEqual(before)
  })

  it('forgets what is set to something that weighs too much for it', () => {
    const cache = createLruCache<string, number>(100, (weight) => weight)
    cache.set('young', 30)
    cache.set('old', 30)
    cache.get('young')
    cache.set('young', 51)
    cache.set('old', 51)
    expect([cache.get('young'), cache.get('old')]).toEqual([undefined, undefined])
  })

  it.each(['set', 'set and deleted'])('loses nothing else by a key that is %s again and again', (what) => {
    const cache = createLruCache<number, number>(100, (weight) => weight)
    for (let key = 0; key < 5; key++) cache.set(key, 10)
    for (let time = 0; time < 30; time++) {
      if (what !== 'set') cache.delete(4)
      cache.set(4, 10)
    }
    expect([0, 1, 2, 3, 4].map(cache.get)).toEqual([10, 10, 10, 10, 10])
  })

  it('answers only what was last set, and holds its last keys, whatever the order of calls', () => {
    const operation = fc.tuple(fc.constantFrom('get', 'set', 'delete'), fc.nat(8), fc.nat())
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const cache = createLruCache<number, number>(4)
        const model = new Map<number, number>()
        let last: number[] = []
        for (const [name, key, value] of operations) {
          const known = cache.get(key)
          if (known !== undefined) expect(known).toBe(model.get(key))
          else expect(last).not.toContain(key)
          const others = last.filter((each) => each !== key)
          if (known !== undefined) last = [key, ...others].slice(0, 2)
          if (name === 'set') {
            cache.set(key, value)
            model.set(key, value)
            last = [key, ...others].slice(0, 2)
            expect(cache.get(key)).toBe(value)
          }
          if (name === 'delete') {
            cache.delete(key)
            model.delete(key)
            last = others
            expect(cache.get(key)).toBeUndefined()
          }
        }
      }),
    )
  })
})
