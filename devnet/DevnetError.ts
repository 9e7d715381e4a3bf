import { KeyrollError } from '../protocol/index.ts'

/** A devnet that cannot start, or cannot go on: says which part failed and why. */
export class DevnetError extends KeyrollError {
  override readonly name = 'DevnetError'
  /** The part that failed, e.g. `anvil-l1`. */
  readonly part: string

  constructor(part: string, message: string, options?: ErrorOptions) {
    super(`${part}: ${message}`, options)
    this.part = part
  }
}
