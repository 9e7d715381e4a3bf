/** Of a longer array than such a part of a slab, too much would be left over. */
const LONGEST_PART = 4

/**
 * Makes a function that gives zeroed arrays, the short ones side by side in slabs: V8 takes the memory of each array above 64 bytes
 * from malloc, and keeps book of each, which costs more than most are used for. One array keeps its whole slab in memory, so each kind
 * of them, which is forgotten together, has slabs of its own. `buffer` of such an array is the slab.
 *
 * @param slabBytes length of a slab.
 */
export function createSlabs(slabBytes: number): (length: number) => Uint8Array {
  let slab = new ArrayBuffer(0)
  let used = 0
  return (length) => {
    if (length > slabBytes / LONGEST_PART) return new Uint8Array(length)
    if (used + length > slab.byteLength) {
      slab = new ArrayBuffer(slabBytes)
      used = 0
    }
    const bytes = new Uint8Array(slab, used, length)
    used += length
    return bytes
  }
}
