/** What a human must hear of (docs/operations.md, alarms). */
export type AlarmKind =
  | 'WRONG_OUTPUT'
  | 'DERIVATION_HALTED'
  | 'FINALIZED_L1_REVERTED'
  | 'BLOBS_MISSING'
  | 'L1_UNAVAILABLE'
  | 'SAFE_HEAD_STALLED'

/** Something that is wrong as long as it is reported; `key` tells it from others of its kind. */
export type Alarm = {
  kind: AlarmKind
  key: string
  /** One sentence for people. */
  text: string
  /** For machines, in JSON as it is. */
  details: Readonly<Record<string, string | number>>
}

/** What is to be told of an alarm: that it is new, that it still stands, or that it is over. */
export type Notice = { status: 'raised' | 'standing' | 'resolved'; alarm: Alarm }
