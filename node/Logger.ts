import { type LevelWithSilent, type Logger, pino } from 'pino'

export type { Logger }

/** How much a process tells, see the policy at `createLogger`. */
export type LogLevel = LevelWithSilent

/**
 * Makes the process's logger: JSON lines on standard error, so that standard output belongs to the command.
 *
 * Levels: `error` a human must act; `warn` the process helps itself (retries, resets, refused L1 answers);
 * `info` what an operator wants to see on a good day (start, stop, heads, L1 transactions); `debug` every decision.
 * Keys and signatures are never logged.
 */
export function createLogger(options: {
  level: LogLevel
  name?: string
  /** Takes the lines in place of standard error. */
  destination?: { write(line: string): void } | undefined
}): Logger {
  return pino(
    { level: options.level, base: options.name === undefined ? {} : { name: options.name } },
    options.destination ?? pino.destination({ dest: 2, sync: true }),
  )
}
