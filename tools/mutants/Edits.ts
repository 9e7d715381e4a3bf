/** Insertions around ranges of a source. Ranges lie inside each other or apart. */
export interface Edits {
  /** Puts text before and behind a range; of two wraps of one range, the first is the outer one. */
  wrap(range: [start: number, end: number], before: string, behind: string): void
  /** Puts text in place of a range that nothing else touches. */
  replace(range: [start: number, end: number], by: string): void
  /** The source with all edits made. */
  apply(): string
}

interface Insertion {
  at: number
  /** Sorts insertions at one place: what ends here stands before what begins here, the inner ends first. */
  order: [phase: number, nesting: number, sequence: number]
  text: string
  skip: number
}

/** Collects edits of `source`, whose positions count bytes. */
export function createEdits(source: string): Edits {
  const bytes = Buffer.from(source).toString('latin1')
  const insertions: Insertion[] = []
  return {
    wrap([start, end], before, behind) {
      const sequence = insertions.length
      insertions.push({ at: start, order: [1, -end, sequence], text: before, skip: 0 })
      insertions.push({ at: end, order: [0, -start, -sequence], text: behind, skip: 0 })
    },
    replace([start, end], by) {
      insertions.push({ at: start, order: [2, 0, 0], text: by, skip: end - start })
    },
    apply() {
      let edited = ''
      let position = 0
      for (const { at, text, skip } of insertions.sort(byPlace)) {
        edited += bytes.slice(position, Math.max(position, at)) + text
        position = Math.max(position, at + skip)
      }
      return Buffer.from(edited + bytes.slice(position), 'latin1').toString()
    },
  }
}

function byPlace(a: Insertion, b: Insertion): number {
  if (a.at !== b.at) return a.at - b.at
  const [phase, nesting, sequence] = a.order
  const [otherPhase, otherNesting, otherSequence] = b.order
  return phase - otherPhase || nesting - otherNesting || sequence - otherSequence
}
