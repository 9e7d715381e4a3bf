import { type Hex, numberToHex } from 'viem'
import { expect, test } from 'vitest'
import { PoolTooLargeError } from './errors.ts'
import { toNodePool } from './NodePool.ts'

const nodes = (count: number): Hex[] => Array.from({ length: count }, (_, n) => numberToHex(n, { size: 32 }))

test('nodes that proofs share are in the pool once, and ways lead through them from the root down', () => {
  expect(toNodePool([['0xaa', '0xbb'], ['0xaa', '0xcc', '0xbb'], []])).toEqual({
    nodes: ['0xaa', '0xbb', '0xcc'],
    ways: ['0x00000001', '0x000000020001', '0x'],
  })
})

test('the last node that two bytes can number is taken, and no other', () => {
  const full = nodes(65_536)
  const pool = toNodePool([full, full.slice(-1)])
  expect(pool.nodes).toHaveLength(65_536)
  expect(pool.ways[1]).toBe('0xffff')
  expect(() => toNodePool([full, ['0xaa']])).toThrow(PoolTooLargeError)
  expect(() => toNodePool([['0xaa'], full])).toThrow(/more than 65536 nodes: confirm fewer keystores at once/)
})
