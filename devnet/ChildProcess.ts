import { type ChildProcess as NodeProcess, spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { DevnetError } from './DevnetError.ts'

/** What to run, and how to know that it runs. */
export type ChildProcessOptions = {
  /** Shown in errors, e.g. `anvil-l1`. */
  name: string
  command: string
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Takes everything the process prints. */
  logFile: string
  /** The first line on stdout that matches makes the process ready. */
  ready: RegExp
  /** Milliseconds until a process that printed no such line is given up. */
  startTimeout?: number
}

/** A running process of the devnet. */
export interface ChildProcess {
  readonly name: string
  /** Of the whole process group. */
  readonly pid: number
  /** What `ready` matched. */
  readonly match: RegExpMatchArray
  /** Rejects with `DevnetError` when the process ends although nobody stopped it; never resolves. */
  readonly crashed: Promise<never>
  /** Asks the process to end, insists after ten seconds, and resolves when it is gone. Safe to call twice. */
  stop(): Promise<void>
}

// The child lives exactly as long as the pipe on its guard's stdin: even a killed devnet leaves no orphans, because
// the kernel closes the pipe.
const GUARD = `
exec 3<&0
"$@" 3<&- </dev/null & child=$!
{ cat <&3 >/dev/null; kill "$child"; } 2>/dev/null & watcher=$!
wait "$child"; status=$?
kill "$watcher" 2>/dev/null
exit $status
`

const STOP_TIMEOUT = 10_000

/**
 * Starts a process in its own process group, so that Ctrl-C reaches only the devnet, which stops its parts in order.
 *
 * @throws {DevnetError} when it ends, or stays silent, before it is ready.
 */
export async function startChildProcess(options: ChildProcessOptions): Promise<ChildProcess> {
  const { name, command, args, logFile, ready, startTimeout = 60_000 } = options
  const child = spawn('/bin/sh', ['-c', GUARD, name, command, ...args], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
  })
  const exited = waitForExit(child)
  const tail = createTail(child, logFile)

  let stopping = false
  const crashed = exited.then((how): Promise<never> => {
    killGroup(child)
    if (stopping) return new Promise(() => {})
    throw new DevnetError(name, `${how}\n${tail.text()}\nfull log: ${logFile}`)
  })
  crashed.catch(() => {})

  const stop = async () => {
    stopping = true
    child.stdin.end()
    const insist = setTimeout(() => killGroup(child), STOP_TIMEOUT)
    await exited
    clearTimeout(insist)
    killGroup(child)
  }

  const readyLine = new Promise<RegExpMatchArray>((resolve) => {
    tail.onLine((line) => {
      const match = ready.exec(line)
      if (match) resolve(match)
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `not ready after ${startTimeout} ms\n${tail.text()}\nfull log: ${logFile}`
      reject(new DevnetError(name, message))
    }, startTimeout)
  })
  try {
    const match = await Promise.race([readyLine, crashed, late])
    return { name, pid: child.pid ?? -1, match, crashed, stop }
  } catch (error) {
    await stop()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

function waitForExit(child: NodeProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ? `killed by ${signal}` : `exited with code ${code}`))
    child.once('error', (error) => resolve(`could not be started: ${error.message}`))
  })
}

function killGroup(child: NodeProcess): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // The group is already empty.
  }
}

/** Copies the output to the log file, and keeps the last lines for error messages. */
function createTail(child: NodeProcess, logFile: string) {
  const log = createWriteStream(logFile, { flags: 'a' })
  const lines: string[] = []
  const listeners: ((line: string) => void)[] = []
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`)
      lines.push(line)
      if (lines.length > 12) lines.shift()
      if (stream === child.stdout) for (const listener of listeners) listener(line)
    })
  }
  child.once('close', () => log.end())
  return {
    text: () => lines.map((line) => `  | ${line}`).join('\n'),
    onLine: (listener: (line: string) => void) => void listeners.push(listener),
  }
}
