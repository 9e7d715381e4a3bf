/** Returns the smaller of two quantities. */
export function minimum(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}

/** Returns the larger of two quantities. */
export function maximum(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}
