/** One line at the bottom of a terminal that changes, below the lines that stay. */
export interface StatusLine {
  /** Shows a line in place of the last one; nothing when undefined. */
  show(line: string | undefined): void
  /** Writes text that stays, ending in a line break, above the line. */
  write(text: string): void
}

const CLEAR_LINE = '\r\u001b[2K'

/** Makes the status line of a terminal. */
export function createStatusLine(terminal: { write(text: string): unknown; columns?: number }): StatusLine {
  let shown: string | undefined
  const draw = () => {
    // A line that wraps could not be cleared again.
    if (shown !== undefined) terminal.write(shown.slice(0, (terminal.columns ?? 80) - 1))
  }
  return {
    show(line) {
      if (shown !== undefined) terminal.write(CLEAR_LINE)
      shown = line
      draw()
    },
    write(text) {
      if (shown !== undefined) terminal.write(CLEAR_LINE)
      terminal.write(text)
      draw()
    },
  }
}
