const [QUOTE, COMMA, COLON, BRACKET, BACKSLASH, OPEN, CLOSE] = [0x22, 0x2c, 0x3a, 0x5b, 0x5c, 0x7b, 0x7d]

/** What is told in long texts is hashes and data. */
const MIN_BYTES_PER_VALUE = 8
/** More than there are in 96 MiB of logs. */
const MAX_VALUES = 4_194_304
/** Those who tell of L1 need a few hundred. */
const MAX_SHAPES = 1_024
/** Most strings are short, and to call for the end of one takes as long as to look at so many bytes. */
const SHORT_STRING = 16

/** An object as far as its names have been read, by the place where it stands; it holds what each next name makes of it. */
type Shape = Map<string, Shape>

/**
 * Says what in a JSON text takes far more time and memory to parse than its length tells, before anybody parses it; undefined where
 * nothing does. That is millions of tiny values; and objects of ever new shapes, since the engine makes a class of each, which takes
 * up to a kilobyte for a name of a few bytes. It costs less than parsing, and next to nothing where strings are long.
 */
export function findJsonBurden(json: Buffer): string | undefined {
  const maxValues = Math.min(json.length / MIN_BYTES_PER_VALUE, MAX_VALUES)
  const root: Shape = new Map()
  const around: Shape[] = []
  let shape = root
  let [shapes, values, nameStart, nameEnd] = [0, 0, 0, 0]

  function enter(name: string): void {
    let next = shape.get(name)
    if (next === undefined) {
      next = new Map()
      shape.set(name, next)
      shapes++
    }
    shape = next
  }

  for (let at = 0; at < json.length; at++) {
    const byte = json[at]
    if (byte === QUOTE) {
      nameStart = at + 1
      nameEnd = endOfString(json, nameStart)
      if (json[nameEnd - 1] === BACKSLASH) return 'escaped quotes, which nothing of L1 needs,'
      at = nameEnd
    } else if (byte === COLON) {
      enter(json.toString('latin1', nameStart, nameEnd))
      // Without a name of its own, as in no JSON, a colon must not have a long one read again.
      nameStart = nameEnd
    } else if (byte === OPEN) {
      values++
      around.push(shape)
      enter('{')
    } else if (byte === CLOSE) {
      shape = around.pop() ?? root
    } else if (byte === COMMA || byte === BRACKET) {
      values++
    }
    if (shapes > MAX_SHAPES) return `objects of more than ${MAX_SHAPES} shapes`
    if (values > maxValues) return `more than ${Math.floor(maxValues)} values`
  }
  return undefined
}

function endOfString(json: Buffer, start: number): number {
  const near = start + SHORT_STRING
  for (let at = start; at < near; at++) if (json[at] === QUOTE) return at
  const end = json.indexOf(QUOTE, near)
  return end === -1 ? json.length : end
}
