import type { Alarm, AlarmKind, Notice } from './Alarm.ts'

/** Knows which alarms stand, and decides what is told of them and when. */
export interface AlarmBook {
  /**
   * Takes what is wrong at a time (milliseconds) and returns what is to be told now.
   *
   * Of the kinds in `undecided` nobody can say at the moment: theirs neither begin nor end, and nothing is told of them.
   */
  update(wrong: readonly Alarm[], now: number, undecided?: ReadonlySet<AlarmKind>): readonly Notice[]
  /** Lists the alarms that stand. */
  standing(): readonly Alarm[]
}

type Entry = { alarm: Alarm; toldAt: number }

/**
 * Makes a book that tells each alarm once, again every `repeatMs` milliseconds while it stands, and when it is over.
 *
 * Alarms that were `told` before a restart are told again as soon as they are seen to stand still.
 */
export function createAlarmBook({
  repeatMs,
  told = [],
}: {
  repeatMs: number
  told?: readonly Alarm[]
}): AlarmBook {
  const entries = new Map<string, Entry>(
    told.map((alarm) => [nameOf(alarm), { alarm, toldAt: Number.NEGATIVE_INFINITY }]),
  )

  return {
    update(wrong, now, undecided = new Set()) {
      const notices: Notice[] = []
      const decided = wrong.filter(({ kind }) => !undecided.has(kind))
      for (const alarm of decided) {
        const entry = entries.get(nameOf(alarm))
        if (entry !== undefined && now - entry.toldAt < repeatMs) continue
        notices.push({ status: entry === undefined ? 'raised' : 'standing', alarm })
        entries.set(nameOf(alarm), { alarm, toldAt: now })
      }
      const stillWrong = new Set(decided.map(nameOf))
      for (const [name, { alarm }] of entries) {
        if (stillWrong.has(name) || undecided.has(alarm.kind)) continue
        entries.delete(name)
        notices.push({ status: 'resolved', alarm })
      }
      return notices
    },
    standing: () => [...entries.values()].map(({ alarm }) => alarm),
  }
}

function nameOf({ kind, key }: Alarm): string {
  return `${kind} ${key}`
}
