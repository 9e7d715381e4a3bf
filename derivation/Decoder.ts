import {
  type BatcherData,
  batchFromBytes,
  decodeBatcherData,
  parseSetConfig,
  RlpError,
  type SetConfigParser,
  type SingularBatch,
} from '../protocol/index.ts'

/** Takes what stands on L1 apart, step by step. */
export interface Decoder {
  batcherData(bytes: Uint8Array): BatcherData
  /** Decodes a batch; undefined when the bytes are none. */
  batch(bytes: Uint8Array): SingularBatch | undefined
  setConfig: SetConfigParser
}

/**
 * Makes a decoder that does nothing twice: whoever looks ahead decodes, and whoever follows finds it done. Its answers live as
 * long as the bytes, which nobody changes.
 */
export function createDecoder(): Decoder {
  return {
    batcherData: remember(decodeBatcherData),
    batch: remember(decodeBatch),
    setConfig: remember(parseSetConfig),
  }
}

/** Remembers by the identity of the bytes; the other arguments are the same in every call of one chain's decoder. */
function remember<Rest extends unknown[], T>(
  decode: (bytes: Uint8Array, ...rest: Rest) => T,
): (bytes: Uint8Array, ...rest: Rest) => T {
  const known = new WeakMap<Uint8Array, { answer: T }>()
  return (bytes, ...rest) => {
    const found = known.get(bytes)
    if (found !== undefined) return found.answer
    const answer = decode(bytes, ...rest)
    known.set(bytes, { answer })
    return answer
  }
}

function decodeBatch(bytes: Uint8Array): SingularBatch | undefined {
  try {
    return batchFromBytes(bytes)
  } catch (error) {
    if (error instanceof RlpError) return undefined
    throw error
  }
}
