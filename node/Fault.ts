import { KeyrollError } from '../protocol/index.ts'

/** What a fault of the outside world carries beside its message. */
type FaultOptions = { cause?: unknown; details?: Readonly<Record<string, unknown>> }

abstract class Fault extends KeyrollError {
  readonly details: Readonly<Record<string, unknown>>

  constructor(message: string, options: FaultOptions = {}) {
    super(message, { cause: options.cause })
    this.details = options.details ?? {}
  }
}

/** Says that the same question may be answered later: the caller waits and asks again. */
export class TemporaryFault extends Fault {
  override readonly name = 'TemporaryFault'
}

/** Says that L1 moved under the caller: it goes back to the last L1 block still canonical and derives again. */
export class ResetFault extends Fault {
  override readonly name = 'ResetFault'
}

/** Says that no retry can help: the caller halts and reports the message. */
export class CriticalFault extends Fault {
  override readonly name = 'CriticalFault'
}
