// Writes to the database in argv[2] while its files may not grow, and again when they may, and sends the numbers of the writes that
// resolved and of those that did not.

import { execFileSync } from 'node:child_process'
import { openLevelDatabase } from '../node/index.ts'
import { uint64Key } from '../node/store/Bucket.ts'
import { recordOf } from './recordOf.ts'

const limitFiles = (bytes: string) =>
  execFileSync('prlimit', ['--pid', `${process.pid}`, `--fsize=${bytes}:`])

const database = await openLevelDatabase(process.argv[2] ?? '')
const resolved: number[] = []
const failed: number[] = []
async function write(number: number, bytes: number): Promise<void> {
  const list = await database
    .write([{ key: uint64Key(BigInt(number)), value: recordOf(number, bytes) }])
    .then(
      () => resolved,
      () => failed,
    )
  list.push(number)
}

for (let number = 0; number < 10; number++) await write(number, 1_000)
limitFiles('15000')
const failing = write(10, 9_000)
// It is being written; this one waits for it.
await null
await null
await null
const waiting = write(11, 300)
await failing
limitFiles('unlimited')
await waiting
for (let number = 12; number < 100; number++) await write(number, 1_000)
await database.close()
process.send?.({ resolved, failed })
process.disconnect?.()
