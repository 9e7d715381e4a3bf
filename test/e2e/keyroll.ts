import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A run of the command line, as a person starts it. */
export type Run = {
  stdout(): string
  stderr(): string
  kill(signal: NodeJS.Signals): void
  /** Reads no more of its standard output, as `head` does. */
  closeStdout(): void
  /** Resolves with the exit code, null when a signal ended it. */
  exited: Promise<number | null>
}

/** Starts `keyroll` from the sources. */
export function keyroll(...args: readonly string[]): Run {
  const child = spawn(process.execPath, ['--import', 'tsx', 'cli/main.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    stdout += part
  })
  child.stderr.setEncoding('utf8').on('data', (part: string) => {
    stderr += part
  })
  return {
    stdout: () => stdout,
    stderr: () => stderr,
    kill: (signal) => void child.kill(signal),
    closeStdout: () => void child.stdout.destroy(),
    exited: new Promise((resolve) => child.once('close', (code) => resolve(code))),
  }
}
