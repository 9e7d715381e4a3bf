import fc from 'fast-check'

const DEFAULT_SEED = 20_260

/**
 * Property tests draw the same values in every run, so that a run fails only for what was changed. `FAST_CHECK_SEED`
 * names another seed, or `random` for a new one each time; a failure prints the seed that it was found with.
 */
function readSeed(value: string | undefined): number | undefined {
  if (value === undefined || value === '') return DEFAULT_SEED
  if (value === 'random') return undefined
  const seed = Number(value)
  if (Number.isInteger(seed)) return seed
  throw new RangeError(`FAST_CHECK_SEED is ${value}, expected a whole number or "random"`)
}

const seed = readSeed(process.env.FAST_CHECK_SEED)
if (seed !== undefined) fc.configureGlobal({ seed })
