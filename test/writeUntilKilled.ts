// Writes records and where they stand, under the numbers from argv[3], to the database in argv[2], several at once, and sends the
// number below which all are on disk, until it is killed.

import { openLevelDatabase } from '../node/index.ts'
import { uint64Key } from '../node/store/Bucket.ts'
import { recordWrite } from '../node/store/records.ts'
import { numberedRecord } from './recordOf.ts'

const AT_ONCE = 3
const database = await openLevelDatabase(process.argv[2] ?? '')
for (let number = Number(process.argv[3]); ; number += AT_ONCE) {
  const written = Array.from({ length: AT_ONCE }, (_, i) => {
    const write = recordWrite(database, uint64Key(BigInt(number + i)), numberedRecord(number + i))
    // Nobody refers to this one.
    database.append(numberedRecord(i))
    return database.write([write])
  })
  await Promise.all(written)
  process.send?.(number + AT_ONCE)
}
