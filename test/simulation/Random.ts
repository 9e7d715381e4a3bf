/** A seeded source of choices: the same seed makes the same choices. */
export interface Random {
  /** Draws from [0, 1). */
  next(): number
  chance(probability: number): boolean
  /** Draws a whole number from `low` to `high`, both included. */
  integer(low: number, high: number): number
  pick<T>(from: readonly [T, ...T[]]): T
  /** Draws one of a list, undefined from an empty one. */
  any<T>(from: readonly T[]): T | undefined
  bytes(length: number): Uint8Array
  /** Makes a source whose choices do not depend on how often this one is asked later. */
  fork(name: string): Random
}

/** Makes a source out of a seed and a name (sfc32). */
export function createRandom(seed: number, name = ''): Random {
  let [a, b, c, counter] = [seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, hashOf(name), 1]

  function next32(): number {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    return result >>> 0
  }
  for (let i = 0; i < 12; i++) next32()

  const next = () => next32() / 2 ** 32
  const integer = (low: number, high: number) => low + Math.floor(next() * (high - low + 1))
  return {
    next,
    integer,
    chance: (probability) => next() < probability,
    pick: ([first, ...rest]) => [first, ...rest][integer(0, rest.length)] ?? first,
    any: (from) => from[integer(0, from.length - 1)],
    bytes: (length) => Uint8Array.from({ length }, () => integer(0, 255)),
    fork: (other) => createRandom(next32(), `${name}/${other}`),
  }
}

/** FNV-1a. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash >>> 0
}
