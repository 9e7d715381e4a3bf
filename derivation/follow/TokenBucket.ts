/** Says how much somebody may still send. */
export interface TokenBucket {
  /** Takes `amount`; false when there is not so much left. */
  take(amount: number): boolean
}

/** Makes a bucket of `capacity` that fills up again by `perSecond`; `now` is in milliseconds. */
export function createTokenBucket({
  capacity,
  perSecond,
  now = Date.now,
}: {
  capacity: number
  perSecond: number
  now?: () => number
}): TokenBucket {
  let left = capacity
  let filledAt = now()
  return {
    take(amount) {
      const time = now()
      left = Math.min(capacity, left + (Math.max(0, time - filledAt) / 1_000) * perSecond)
      filledAt = time
      if (amount > left) return false
      left -= amount
      return true
    },
  }
}
