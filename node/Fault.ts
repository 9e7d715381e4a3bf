/** What a fault of the outside world carries beside its message. */
export type FaultOptions = { cause?: unknown; details?: Readonly<Record<string, unknown>> }

class Fault extends Error {
  readonly details: Readonly<Record<string, unknown>>

  constructor(name: string, message: string, options: FaultOptions) {
    super(message, { cause: options.cause })
    this.name = name
    this.details = options.details ?? {}
  }
}

/** Says that the same question may be answered later: the caller waits and asks again. */
export class TemporaryFault extends Fault {
  constructor(message: string, options: FaultOptions = {}) {
    super('TemporaryFault', message, options)
  }
}

/** Says that L1 moved under the caller: it goes back to the last L1 block still canonical and derives again. */
export class ResetFault extends Fault {
  constructor(message: string, options: FaultOptions = {}) {
    super('ResetFault', message, options)
  }
}

/** Says that no retry can help: the caller halts and reports the message. */
export class CriticalFault extends Fault {
  constructor(message: string, options: FaultOptions = {}) {
    super('CriticalFault', message, options)
  }
}
