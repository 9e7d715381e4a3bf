import { type LevelWithSilent, type Logger, pino } from 'pino'
import { withoutSecrets } from './urlSecrets.ts'

export type { Logger }

/** How much a process tells, see the policy at `createLogger`. */
export type LogLevel = LevelWithSilent

/**
 * Makes the process's logger: JSON lines on standard error, so that standard output belongs to the command.
 *
 * Levels: `error` a human must act; `warn` the process helps itself (retries, resets, refused L1 answers);
 * `info` what an operator wants to see on a good day (start, stop, heads, L1 transactions); `debug` every decision.
 * Keys and signatures are never logged, nor are the secrets it is told: libraries put whole URLs into their errors.
 */
export function createLogger(options: {
  level: LogLevel
  name?: string
  /** Takes the lines in place of standard error. */
  destination?: { write(line: string): void } | undefined
  secrets?: readonly string[]
}): Logger {
  const { level, name, secrets = [] } = options
  const destination = options.destination ?? pino.destination({ dest: 2, sync: true })
  return pino(
    { level, base: name === undefined ? {} : { name } },
    {
      write(line) {
        destination.write(withoutSecrets(line, secrets))
      },
    },
  )
}
