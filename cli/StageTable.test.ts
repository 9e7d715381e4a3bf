import { describe, expect, it } from 'vitest'
import { createStageTable } from './StageTable.ts'

function createScreen(isTTY: boolean, columns = 100) {
  let text = ''
  return { isTTY, columns, write: (part: string) => (text += part), text: () => text }
}

function createTable(screen: ReturnType<typeof createScreen>) {
  const clock = { now: 0 }
  const stages = { promise: 'promise signed', safe: 'safe on L1' }
  return { clock, table: createStageTable({ stream: screen, stages, color: false, now: () => clock.now }) }
}

describe('createStageTable', () => {
  it('writes one line per finished stage where nobody watches', () => {
    const screen = createScreen(false)
    const { clock, table } = createTable(screen)
    table.start('promise')
    clock.now = 120
    table.done('promise', 'in 120 ms')
    table.start('safe')
    clock.now = 5_620
    table.fail('safe', 'L1 is gone')
    table.close()
    expect(screen.text()).toBe(
      '  ✔ promise signed   120 ms   120 ms   in 120 ms\n' +
        '  ✘ safe on L1        5.5 s    5.6 s   L1 is gone\n',
    )
  })

  it('redraws in place on a terminal, and gives the cursor back', () => {
    const screen = createScreen(true)
    const { table } = createTable(screen)
    table.start('promise')
    table.done('promise', 'signed')
    table.close()
    const frames = screen.text().split('\x1b[J')
    expect(frames.length).toBeGreaterThan(2)
    expect(frames.at(-1)).toContain('✔ promise signed')
    expect(frames.at(-1)).toContain('· safe on L1')
    expect(screen.text().endsWith('\x1b[?25h')).toBe(true)
  })

  it('cuts details that would break the line', () => {
    const screen = createScreen(true, 60)
    const { table } = createTable(screen)
    table.done('promise', 'x'.repeat(200))
    table.close()
    const lines = screen
      .text()
      .split('\n')
      .filter((line) => line.includes('xxx'))
    for (const line of lines) expect(line.length).toBeLessThan(60)
  })
})
