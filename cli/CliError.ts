import { KeyrollError } from '../protocol/index.ts'

/** A mistake of the person at the keyboard, or an end of a command with an exit code of its own, in words for that person. */
export class CliError extends KeyrollError {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(message: string, { exitCode = 1, ...options }: ErrorOptions & { exitCode?: number } = {}) {
    super(message, options)
    this.exitCode = exitCode
  }
}
