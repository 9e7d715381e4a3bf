import { type HashedL1, isBeacon, type L1Lie, type L1Question } from './HashedL1.ts'

/** Draws from 0 to 1, the same numbers for the same seed. */
export type Random = () => number

/** Makes a small generator, so that a run can be repeated. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

/** Makes nodes that tell the truth about another L1, consistent in all its hashes, with which theirs forked. */
export function tellsOf(other: HashedL1): L1Lie {
  return (question) => other.answer(question)
}

/** Makes nodes that answer about anything wrongly in about every second answer, in every way that a node can. */
export function createLiar(random: Random, fork: HashedL1): L1Lie {
  /** What was true once is the best lie: a stale head, the receipts of another block. */
  const heard = new Map<string, unknown[]>()
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T

  function staleAnswer(question: L1Question, truth: unknown): unknown {
    const key = `${isBeacon(question)} ${question.method}`
    const before = heard.get(key) ?? []
    heard.set(key, [...before.slice(-40), truth])
    return pick([...before, truth])
  }

  const lies: readonly ((question: L1Question, truth: unknown) => unknown)[] = [
    () => null,
    () => undefined,
    () => new Response('slow down', { status: 429 }),
    () =>
      Response.json({ jsonrpc: '2.0', error: { code: -32000, message: 'block not found' } }, { status: 500 }),
    () => new Response('{"jsonrpc":"2.0","result":{"hash":"0x'),
    () => Response.json(pick([[], {}, 7, 'x', null, { result: [] }, { data: [7] }])),
    () => Promise.reject(new TypeError('fetch failed')),
    (_, truth) => flip(truth, random),
    (_, truth) => flip(truth, random),
    (_, truth) => flip(truth, random),
    staleAnswer,
    staleAnswer,
    (question) => fork.answer(question),
    (question) => fork.answer(question),
  ]

  return (question, truth) => {
    staleAnswer(question, truth)
    return random() < 0.5 ? truth : pick(lies)(question, truth)
  }
}

/** Changes one thing somewhere in a JSON value. */
function flip(value: unknown, random: Random): unknown {
  const place = (length: number) => Math.floor(random() * length)
  if (typeof value === 'string') {
    if (value.length <= 2) return '0x01'
    const at = 2 + place(value.length - 2)
    return `${value.slice(0, at)}${value[at] === '0' ? '1' : '0'}${value.slice(at + 1)}`
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return ['0x00']
    const at = place(value.length)
    const change = random()
    if (change < 0.2) return value.toSpliced(at, 1)
    if (change < 0.4) return [...value, value[at]]
    if (change < 0.5) return value.toReversed()
    return value.with(at, flip(value[at], random))
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    const at = place(entries.length)
    const [name, old] = entries[at] ?? ['data', null]
    if (random() < 0.1) return Object.fromEntries(entries.toSpliced(at, 1))
    return Object.fromEntries([...entries, [name, flip(old, random)]])
  }
  return typeof value === 'boolean' ? !value : '0x1'
}
