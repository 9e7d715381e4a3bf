/** One put (`value` given) or delete (`value` undefined) of a batch. */
export type Write = { key: Uint8Array; value: Uint8Array | undefined }

/** A keyed set of bytes inside the database; all writes of one call are atomic and synced to disk. */
export interface OpaqueBucket {
  get(key: Uint8Array): Uint8Array | undefined
  write(writes: readonly Write[]): Promise<void>
  /** Iterates in the byte order of the keys, from `from` (inclusive) where given. */
  entries(from?: Uint8Array): AsyncIterable<[key: Uint8Array, value: Uint8Array]>
}
