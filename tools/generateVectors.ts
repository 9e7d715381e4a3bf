import { mkdir, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { vectorFiles } from './vectors/index.ts'

const directory = fileURLToPath(new URL('../test/vectors/keyroll/', import.meta.url))

await mkdir(directory, { recursive: true })
for (const [name, build] of Object.entries(vectorFiles)) {
  await writeFile(`${directory}${name}`, `${JSON.stringify(build(), undefined, 1)}\n`)
  console.log(`wrote test/vectors/keyroll/${name}`)
}
