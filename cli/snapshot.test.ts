import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openChainStore } from '../node/index.ts'
import { rollupConfigToJson } from '../protocol/index.ts'
import { createTestRollup } from '../test/chainFixtures.ts'
import { CliError } from './CliError.ts'
import { createSnapshotCommand } from './snapshot.ts'

const rollup = createTestRollup()
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'keyroll-snapshot-'))
  await writeFile(at('rollup.json'), JSON.stringify(rollupConfigToJson(rollup)))
})
afterEach(() => rm(directory, { recursive: true }))

const at = (name: string) => join(directory, name)
const create = () =>
  createSnapshotCommand().parseAsync(
    ['create', '--data-dir', directory, '--rollup-config', at('rollup.json'), '--output', at('out')],
    { from: 'user' },
  )

it('says that a running node has to be stopped before its snapshot is written', async () => {
  const store = await openChainStore(at('chain'), rollup)
  const refused = create()
  await expect(refused).rejects.toBeInstanceOf(CliError)
  await expect(refused).rejects.toThrow(/its node is running; stop it/)
  await store.close()
  await expect(create()).rejects.toMatchObject({ reason: 'NO_OUTPUT' })
})

it('says so when there is no node', async () => {
  await expect(create()).rejects.toThrow(/has no database/)
})
