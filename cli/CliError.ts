import { KeyrollError } from '../protocol/index.ts'

/** A mistake of the person at the keyboard, in words for that person. */
export class CliError extends KeyrollError {
  override readonly name = 'CliError'
}
