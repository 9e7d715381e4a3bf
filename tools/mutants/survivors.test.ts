import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { instrument, type Mutant } from './instrument.ts'
import { explains, readSurvivors } from './survivors.ts'

const sources = join(import.meta.dirname, '../../contracts/src')

function mutantsOf(file: string): Mutant[] {
  return instrument(file, readFileSync(join(sources, file), 'utf8'), 1).mutants
}

describe('survivors.json', () => {
  const survivors = readSurvivors()
  const mutants = new Map(
    [...new Set(survivors.map(({ file }) => file))].map((file) => [file, mutantsOf(file)]),
  )

  it.each(survivors)('means one mutant of today: $change of `$code` in $function of $file', (survivor) => {
    const meant = mutants.get(survivor.file)?.filter((mutant) => explains(survivor, mutant))
    expect(meant).toHaveLength(1)
  })

  it('says of each why nobody could tell, and names none twice', () => {
    expect(survivors.filter(({ reason }) => reason.length < 20)).toEqual([])
    const places = survivors.map(({ reason: _, ...place }) => JSON.stringify(place))
    expect(new Set(places).size).toBe(places.length)
  })
})
