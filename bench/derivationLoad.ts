import { type BenchKeystore, createBenchKeystore, createSignerSupply, rotate } from './keystores.ts'

/** What the process that makes rotations is told, as its last argument: how many, and the chain they are signed for. */
export type LoadTask = { count: number; chainId: number }

/** So many are told at once. */
const TOLD = 1_000

/** So many keystores are rotated once before the first of them is rotated again. */
const WAITING = 100

/** Rotations of P-256 keys: the first of new keystores and the second of old ones, by turns. */
function* rotations({ count, chainId }: LoadTask): Generator<Uint8Array> {
  const nextSigner = createSignerSupply(2)
  const waiting: BenchKeystore[] = []
  for (let i = 0; i < count; i++) {
    const old = i % 2 === 0 || waiting.length < WAITING ? undefined : waiting.shift()
    const keystore = old ?? createBenchKeystore(2, nextSigner())
    const { raw, after } = rotate(keystore, BigInt(chainId), nextSigner())
    if (old === undefined) waiting.push(after)
    yield raw
  }
}

const all = rotations(JSON.parse(process.argv.at(-1) ?? '') as LoadTask)

/** The next of them; none when they are at an end. */
function take(): Uint8Array[] {
  const taken: Uint8Array[] = []
  while (taken.length < TOLD) {
    const { value, done } = all.next()
    if (done) break
    taken.push(value)
  }
  return taken
}

// Each message asks for more.
process.on('message', () => process.send?.(take()))
