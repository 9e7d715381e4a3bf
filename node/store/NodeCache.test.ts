import { expect, it } from 'vitest'
import { keccak } from '../../protocol/index.ts'
import { createNodeCache } from './NodeCache.ts'

const hashOf = (i: number) => keccak(Uint8Array.of(i >> 8, i))
const nodeOf = (i: number) => ({ hash: hashOf(i), stored: new Uint8Array(500).fill(i) })

it('gives what was put under the whole hash, and nothing for a hash that only ends alike', () => {
  const cache = createNodeCache(1_000_000)
  const node = nodeOf(1)
  cache.set(node)
  expect(cache.get(hashOf(1))).toBe(node.stored)
  for (let at = 0; at < 32; at++) {
    expect(cache.get(node.hash.with(at, (node.hash[at] as number) ^ 1))).toBeUndefined()
  }
  const alike = { hash: node.hash.with(0, (node.hash[0] as number) ^ 1), stored: new Uint8Array(100) }
  cache.set(alike)
  expect(cache.get(alike.hash)).toBe(alike.stored)
  expect(cache.get(node.hash)).toBeUndefined()
})

it('forgets what it is told to, and does not hold the shortest nodes', () => {
  const cache = createNodeCache(1_000_000)
  for (const i of [1, 2]) cache.set(nodeOf(i))
  cache.delete(hashOf(1))
  cache.set({ hash: hashOf(3), stored: new Uint8Array(99) })
  cache.set({ hash: hashOf(4), stored: new Uint8Array(100) })
  expect([1, 2, 3, 4].map((i) => cache.get(hashOf(i)) !== undefined)).toEqual([false, true, false, true])
})

it('holds what was used last, and no more than its capacity', () => {
  const cache = createNodeCache(100_000)
  cache.set(nodeOf(0))
  for (let i = 1; i < 1_000; i++) {
    cache.set(nodeOf(i))
    expect(cache.get(hashOf(0))).toEqual(nodeOf(0).stored)
  }
  const held = Array.from({ length: 1_000 }, (_, i) => cache.get(hashOf(i))).filter(
    (node) => node !== undefined,
  )
  expect(held.length).toBeGreaterThan(45)
  expect(held.length).toBeLessThanOrEqual(100)
})
