import { describe, expect, it } from 'vitest'
import type { Alarm, AlarmKind } from './Alarm.ts'
import { createAlarmBook } from './AlarmBook.ts'

const alarm = (key: string, kind: AlarmKind = 'WRONG_OUTPUT'): Alarm => ({
  kind,
  key,
  text: key,
  details: {},
})
const [a, b] = [alarm('a'), alarm('b')]

describe('createAlarmBook', () => {
  it('tells each alarm once, and when it is over', () => {
    const book = createAlarmBook({ repeatMs: 1_000 })
    expect(book.update([a], 0)).toEqual([{ status: 'raised', alarm: a }])
    expect(book.update([a, b], 10)).toEqual([{ status: 'raised', alarm: b }])
    expect(book.update([a, b], 20)).toEqual([])
    expect(book.update([b], 30)).toEqual([{ status: 'resolved', alarm: a }])
    expect(book.standing()).toEqual([b])
    expect(book.update([a, b], 40)).toEqual([{ status: 'raised', alarm: a }])
  })

  it('repeats what stands, at intervals', () => {
    const book = createAlarmBook({ repeatMs: 1_000 })
    book.update([a], 0)
    expect(book.update([a], 999)).toEqual([])
    expect(book.update([a], 1_000)).toEqual([{ status: 'standing', alarm: a }])
    expect(book.update([a], 1_999)).toEqual([])
    expect(book.update([a], 2_500)).toEqual([{ status: 'standing', alarm: a }])
  })

  it('leaves alone what nobody can tell at the moment', () => {
    const book = createAlarmBook({ repeatMs: 1_000 })
    book.update([a], 0)
    const stalled = alarm('', 'SAFE_HEAD_STALLED')
    const undecided = new Set<AlarmKind>(['WRONG_OUTPUT'])
    expect(book.update([b, stalled], 5_000, undecided)).toEqual([{ status: 'raised', alarm: stalled }])
    expect(book.update([], 5_010, undecided)).toEqual([{ status: 'resolved', alarm: stalled }])
    expect(book.standing()).toEqual([a])
    expect(book.update([], 5_020)).toEqual([{ status: 'resolved', alarm: a }])
  })

  it('tells after a restart what stands still, and the end of what does not', () => {
    const book = createAlarmBook({ repeatMs: 1_000, told: [a, b] })
    expect(book.update([], 0, new Set(['WRONG_OUTPUT']))).toEqual([])
    expect(book.update([a], 10)).toEqual([
      { status: 'standing', alarm: a },
      { status: 'resolved', alarm: b },
    ])
  })
})
