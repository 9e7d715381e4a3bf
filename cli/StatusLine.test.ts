import { describe, expect, it } from 'vitest'
import { createLogger } from '../node/Logger.ts'
import { createStatusLine } from './StatusLine.ts'

/** What stands on a terminal that knows carriage returns and clearing a line. */
function createTerminal(columns: number) {
  let text = ''
  return {
    columns,
    write(part: string) {
      const [first = '', ...afterClearing] = part.split('\r\u001b[2K')
      text += first
      for (const piece of afterClearing) text = text.slice(0, text.lastIndexOf('\n') + 1) + piece
    },
    text: () => text,
  }
}

describe('createStatusLine', () => {
  it('keeps one line below the log, and leaves nothing behind', () => {
    const terminal = createTerminal(40)
    const line = createStatusLine(terminal)
    const logger = createLogger({ level: 'info', destination: line })
    logger.info('first')
    line.show('10 to go')
    line.show('9 to go')
    expect(terminal.text()).toMatch(/"msg":"first"}\n9 to go$/)
    logger.info('second')
    expect(terminal.text()).toMatch(/"msg":"first"}\n.*"msg":"second"}\n9 to go$/)
    line.show(undefined)
    line.show(undefined)
    expect(terminal.text()).toMatch(/"msg":"second"}\n$/)
  })

  it('shows no more than fits on one line', () => {
    const terminal = createTerminal(10)
    createStatusLine(terminal).show('x'.repeat(30))
    expect(terminal.text()).toBe('x'.repeat(9))
  })
})
