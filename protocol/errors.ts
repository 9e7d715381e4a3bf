/**
 * Base of every typed error of Keyroll: a stable `name`, a message that says what came, what was expected and
 * what to do, and optionally the cause.
 */
export abstract class KeyrollError extends Error {
  abstract override readonly name: string
}
