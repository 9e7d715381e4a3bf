/** Bytes that Keccak-256 absorbs before each permutation: 1600 bits less twice those of the hash (FIPS 202 §5.2, §6.1). */
export const RATE_BYTES = 136
/** Where the module's memory holds the 25 lanes of the state, of 8 bytes, little-endian. */
export const STATE_AT = 0
export const STATE_BYTES = 200
/** Where whoever calls may put what is to be absorbed, up to the end of the memory. */
export const INPUT_AT = 512
/** The size of the memory; it never grows. */
export const MEMORY_BYTES = 2 * 65_536

const LANE_BYTES = 8
const LANES = STATE_BYTES / LANE_BYTES
const ROUNDS = 24
const CONSTANTS_AT = 256

// Opcodes, and the types that stand beside them (WebAssembly core specification §5).
const LOOP = 0x03
const END = 0x0b
const BRANCH_IF = 0x0d
const I32_LESS = 0x49
const I32_ADD = 0x6a
const AND = 0x83
const XOR = 0x85
const ROTATE_LEFT = 0x89
const GET = 0x20
const SET = 0x21
const TEE = 0x22
const I64_LOAD = 0x29
const I64_STORE = 0x37
const I32_CONST = 0x41
const I64_CONST = 0x42
const I32 = 0x7f
const I64 = 0x7e
const NOTHING = 0x40
const LANE_ALIGNMENT = 3

/**
 * Builds a WebAssembly module that exports its `memory` and `absorb(from, until)`: the state takes up the blocks of {@link RATE_BYTES}
 * between two addresses, at least one, and is permuted behind each by Keccak-f[1600] (FIPS 202 §3).
 *
 * The lanes are locals, which no JavaScript can have: it has no 64-bit integers that a machine keeps in registers. One round is
 * written out, and repeated: more of them take longer than the loop does, and browsers compile no more than 4 KB at once.
 */
export function buildKeccakModule(): Uint8Array<ArrayBuffer> {
  const constants = roundConstants().flatMap((constant) =>
    Array.from({ length: LANE_BYTES }, (_, i) => Number((constant >> BigInt(8 * i)) & 0xffn)),
  )
  const locals = [2, ...unsigned(LOCALS.i64), I64, ...unsigned(LOCALS.i32), I32]
  const body = [...locals, ...absorb(), END]
  const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
  return Uint8Array.from([
    ...magicAndVersion,
    // One type, (i32, i32) -> (); one function of it; one memory, of two pages; exports; code; data.
    ...section(1, [1, 0x60, 2, I32, I32, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, MEMORY_BYTES / 65_536]),
    ...section(7, [2, ...name('memory'), 0x02, 0, ...name('absorb'), 0x00, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
    ...section(11, [1, 0, ...i32(CONSTANTS_AT), END, ...unsigned(constants.length), ...constants]),
  ])
}

// Locals: the parameters, the state A, what ρ and π make of it, the columns' parities, a column's θ effect, and which round it is.
const FROM = 0
const UNTIL = 1
const LANE_0 = 2
const lane = (x: number, y: number) => LANE_0 + (x % 5) + 5 * (y % 5)
const moved = (x: number, y: number) => lane(x, y) + LANES
const parity = (x: number) => LANE_0 + 2 * LANES + (x % 5)
const EFFECT = parity(4) + 1
const ROUND = EFFECT + 1
const LOCALS = { i64: 2 * LANES + 5 + 1, i32: 1 }

function absorb(): number[] {
  const lanes = Array.from({ length: LANES }, (_, i) => i)
  const state = (i: number) => STATE_AT + LANE_BYTES * i
  return [
    ...lanes.flatMap((i) => [...i32(0), ...load(state(i)), ...set(LANE_0 + i)]),
    ...repeatWhile(
      [
        ...lanes
          .slice(0, RATE_BYTES / LANE_BYTES)
          .flatMap((i) => [
            ...get(LANE_0 + i),
            ...get(FROM),
            ...load(LANE_BYTES * i),
            XOR,
            ...set(LANE_0 + i),
          ]),
        ...i32(0),
        ...set(ROUND),
        ...repeatWhile(round(), [...advance(ROUND, LANE_BYTES), ...i32(LANE_BYTES * ROUNDS), I32_LESS]),
      ],
      [...advance(FROM, RATE_BYTES), ...get(UNTIL), I32_LESS],
    ),
    ...lanes.flatMap((i) => [...i32(0), ...get(LANE_0 + i), ...store(state(i))]),
  ]
}

/** One round of the permutation, whose constant is the one at `ROUND` (FIPS 202 §3.3). */
function round(): number[] {
  const code: number[] = []
  const all = [0, 1, 2, 3, 4]
  // θ (§3.2.1), and ρ and π (§3.2.2, §3.2.3), which move each lane that it changed.
  for (const x of all) {
    code.push(
      ...get(lane(x, 0)),
      ...all.slice(1).flatMap((y) => [...get(lane(x, y)), XOR]),
      ...set(parity(x)),
    )
  }
  for (const x of all) {
    code.push(...get(parity(x + 4)), ...get(parity(x + 1)), ...i64(1), ROTATE_LEFT, XOR, ...set(EFFECT))
    for (const y of all) {
      code.push(...get(lane(x, y)), ...get(EFFECT), XOR, ...i64(OFFSETS[x + 5 * y] as number), ROTATE_LEFT)
      code.push(...set(moved(y, 2 * x + 3 * y)))
    }
  }
  // χ (§3.2.4): A[x] xor (not A[x + 1] and A[x + 2]), and ι (§3.2.5).
  for (const y of all) {
    for (const x of all) {
      code.push(
        ...get(moved(x, y)),
        ...get(moved(x + 1, y)),
        ...i64(-1),
        XOR,
        ...get(moved(x + 2, y)),
        AND,
        XOR,
      )
      code.push(...set(lane(x, y)))
    }
  }
  code.push(...get(lane(0, 0)), ...get(ROUND), ...load(CONSTANTS_AT), XOR, ...set(lane(0, 0)))
  return code
}

/** By how many bits ρ rotates the lane at `x + 5y`: all but the first are met on one way (FIPS 202 §3.2.2). */
const OFFSETS = rotationOffsets()

function rotationOffsets(): number[] {
  const offsets = new Array<number>(LANES).fill(0)
  let [x, y] = [1, 0]
  for (let t = 0; t < LANES - 1; t++) {
    offsets[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
  }
  return offsets
}

/** What ι adds in each round (FIPS 202 §3.2.5): bits from a shift register, at the places below each power of two. */
function roundConstants(): bigint[] {
  let register = 1
  return Array.from({ length: ROUNDS }, () => {
    let constant = 0n
    for (let j = 0; j <= 6; j++) {
      if ((register & 1) === 1) constant |= 1n << BigInt(2 ** j - 1)
      register = (register << 1) ^ ((register & 0x80) === 0 ? 0 : 0x171)
    }
    return constant
  })
}

const get = (local: number) => [GET, ...unsigned(local)]
const set = (local: number) => [SET, ...unsigned(local)]
const i32 = (value: number) => [I32_CONST, ...signed(value)]
const i64 = (value: number) => [I64_CONST, ...signed(value)]
const load = (offset: number) => [I64_LOAD, LANE_ALIGNMENT, ...unsigned(offset)]
const store = (offset: number) => [I64_STORE, LANE_ALIGNMENT, ...unsigned(offset)]

/** Adds to a local, and leaves the sum on the stack. */
const advance = (local: number, step: number) => [
  ...get(local),
  ...i32(step),
  I32_ADD,
  TEE,
  ...unsigned(local),
]

function repeatWhile(code: readonly number[], condition: readonly number[]): number[] {
  return [LOOP, NOTHING, ...code, ...condition, BRANCH_IF, 0, END]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

function name(text: string): number[] {
  return [text.length, ...Array.from(text, (character) => character.charCodeAt(0))]
}

/** LEB128 (WebAssembly core specification §5.2.2). */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: number): number[] {
  return value >= -0x40 && value < 0x40 ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(value >> 7)]
}
