import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

const PROGRAM = `
const { getPriority } = await import('node:os')
const { lowerPriority } = await import(${JSON.stringify(new URL('./lowerPriority.ts', import.meta.url).href)})
const before = getPriority()
lowerPriority()
console.log(before, getPriority())
`

/** The priorities before and after in a process that is so much nicer than this one. */
function run(niceness: number): number[] {
  const node = [process.execPath, '--import', 'tsx', '--input-type=module', '--eval', PROGRAM]
  return execFileSync('nice', ['-n', `${niceness}`, ...node], { encoding: 'utf8' })
    .split(' ')
    .map(Number)
}

it.runIf(process.platform === 'linux')(
  'lowers the priority that there was, and no further than it goes',
  () => {
    const [before = Number.NaN, after] = run(0)
    expect(after).toBe(Math.min(19, before + 3))
    expect(run(18 - before)).toEqual([18, 19])
    expect(run(19 - before)).toEqual([19, 19])
  },
)
