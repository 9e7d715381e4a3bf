import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mutant } from './instrument.ts'

/** A mutant that may survive. */
export interface Survivor {
  file: string
  function: string
  code: string
  change: string
  /** Why no test can tell it from the original. */
  reason: string
}

/** The mutants that may survive, as `survivors.json` names them. */
export function readSurvivors(): Survivor[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'survivors.json'), 'utf8'))
}

/** Whether it is this mutant that may survive. */
export function explains(survivor: Survivor, mutant: Mutant): boolean {
  return (
    survivor.file === mutant.file &&
    survivor.function === mutant.function &&
    survivor.code === mutant.code &&
    survivor.change === mutant.change
  )
}
