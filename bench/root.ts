import { createRequire } from 'node:module'
import { dirname } from 'node:path'

/** The project's folder, whether the benchmarks run compiled or from the sources. */
export const ROOT = dirname(createRequire(import.meta.url).resolve('keyroll/package.json'))
