import { type Abi, BaseError, decodeErrorResult, type Hex, isHex, RawContractError } from 'viem'

/** Finds the custom error in a failed call, for example `BadSignature(0)`; undefined when it holds none of the ABI's. */
export function revertReason(abi: Abi, error: unknown): string | undefined {
  const data = error instanceof BaseError ? revertData(error) : undefined
  if (data === undefined) return undefined
  try {
    const { errorName, args = [] } = decodeErrorResult({ abi, data })
    return `${errorName}(${args.join(', ')})`
  } catch {
    return undefined
  }
}

function revertData(error: BaseError): Hex | undefined {
  let found: Hex | undefined
  error.walk((cause) => {
    const raw = cause instanceof RawContractError ? cause.data : dataOf(cause)
    const data = typeof raw === 'object' ? raw.data : raw
    if (isHex(data) && data.length >= 10) found = data
    return found !== undefined
  })
  return found
}

function dataOf(error: unknown): Hex | undefined {
  if (typeof error !== 'object' || error === null || !('data' in error)) return undefined
  return isHex(error.data) ? error.data : undefined
}
