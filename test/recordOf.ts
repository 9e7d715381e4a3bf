/** Makes a record of so many bytes that looks like no other. */
export function recordOf(name: number, length: number): Uint8Array {
  const record = new Uint8Array(length)
  for (let i = 0, state = name + 1; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    record[i] = state >>> 16
  }
  return record
}

/** Makes the record that a test expects under a number: most are short, some have a mebibyte. */
export function numberedRecord(number: number): Uint8Array {
  return recordOf(number, number % 20 === 19 ? 1_048_576 : (number * 7_919) % 3_000)
}
