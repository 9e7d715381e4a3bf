import { styleText } from 'node:util'

/** Where a table goes; the parts of a terminal stream that it needs. */
export type TableStream = { write(text: string): unknown; isTTY?: boolean; columns?: number }

/** A table of stages that fills as they happen: redrawn on a terminal, one line per finished stage elsewhere. */
export interface StageTable {
  /** Marks a stage as running, and its clock starts. */
  start(stage: string, detail?: string): void
  /** Marks a stage as done, started or not. */
  done(stage: string, detail?: string): void
  fail(stage: string, detail: string): void
  /** Draws the table a last time. */
  close(): void
}

type State = 'waiting' | 'running' | 'done' | 'failed'
type Row = { label: string; state: State; detail: string; startedAt: number; endedAt: number }

const ICONS: Record<Exclude<State, 'running'>, string> = { waiting: '·', done: '✔', failed: '✘' }
const SPINNER = [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏']
const REDRAW_MS = 100
const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_DOWN = '\x1b[J'

/** Creates a table of stages, given by key and label in the order in which they are expected. */
export function createStageTable(options: {
  stream: TableStream
  stages: Readonly<Record<string, string>>
  color: boolean
  /** Milliseconds; a clock that never goes back. */
  now: () => number
}): StageTable {
  const { stream, stages, color, now } = options
  const isLive = stream.isTTY === true
  const begunAt = now()
  const rows = new Map<string, Row>()
  for (const [key, label] of Object.entries(stages)) {
    rows.set(key, { label, state: 'waiting', detail: '', startedAt: begunAt, endedAt: begunAt })
  }
  const labelWidth = Math.max(...[...rows.values()].map(({ label }) => label.length))
  let drawn = 0
  let frame = 0

  const style = (format: Parameters<typeof styleText>[0], text: string) =>
    color ? styleText(format, text, { validateStream: false }) : text

  const icon = ({ state }: Row) => {
    if (state === 'running') return style('cyan', SPINNER[frame % SPINNER.length] ?? '')
    return style(state === 'done' ? 'green' : state === 'failed' ? 'red' : 'dim', ICONS[state])
  }

  const line = (row: Row) => {
    const { label, state, detail, startedAt, endedAt } = row
    const took = state === 'waiting' ? '' : seconds((state === 'running' ? now() : endedAt) - startedAt)
    const total = state === 'waiting' ? '' : seconds((state === 'running' ? now() : endedAt) - begunAt)
    const room = Math.max(10, (stream.columns ?? 120) - labelWidth - 30)
    const text = detail.length > room ? `${detail.slice(0, room - 1)}…` : detail
    const name = label.padEnd(labelWidth)
    const clock = `${took.padStart(8)} ${style('dim', total.padStart(8))}`
    return `  ${icon(row)} ${state === 'waiting' ? style('dim', name) : style('bold', name)} ${clock}   ${text}`
  }

  const draw = () => {
    const lines = [...rows.values()].map(line)
    const heading = style(
      'dim',
      `    ${'stage'.padEnd(labelWidth)} ${'took'.padStart(8)} ${'at'.padStart(8)}`,
    )
    const up = drawn === 0 ? HIDE_CURSOR : `\x1b[${drawn}A\r${CLEAR_DOWN}`
    stream.write(`${up}${[heading, ...lines].join('\n')}\n`)
    drawn = lines.length + 1
    frame += 1
  }

  const timer = isLive ? setInterval(draw, REDRAW_MS) : undefined
  if (isLive) draw()

  const change = (key: string, state: State, detail: string | undefined) => {
    const row = rows.get(key)
    if (!row) return
    if (row.state === 'waiting') row.startedAt = now()
    row.state = state
    row.detail = detail ?? row.detail
    row.endedAt = now()
    if (isLive) draw()
    else if (state !== 'running') stream.write(`${line(row)}\n`)
  }
  return {
    start: (stage, detail) => change(stage, 'running', detail),
    done: (stage, detail) => change(stage, 'done', detail),
    fail: (stage, detail) => change(stage, 'failed', detail),
    close() {
      clearInterval(timer)
      if (!isLive) return
      draw()
      stream.write(SHOW_CURSOR)
    },
  }
}

function seconds(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`
}
