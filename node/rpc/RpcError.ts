/** JSON-RPC 2.0 and EIP-1474 error codes. */
export const RpcErrorCode = {
  parseError: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internalError: -32603,
  invalidInput: -32000,
  resourceNotFound: -32001,
  resourceUnavailable: -32002,
  transactionRejected: -32003,
  methodNotSupported: -32004,
  limitExceeded: -32005,
} as const

/** The `data` of every error: a reason that machines read, and what belongs to it (JSON values only). */
export type RpcErrorData = { reason: string } & Readonly<Record<string, unknown>>

/** An answer of the JSON-RPC server that is an error (EIP-1474). */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number
  readonly data: RpcErrorData

  constructor(code: keyof typeof RpcErrorCode, message: string, data: RpcErrorData) {
    super(message)
    this.code = RpcErrorCode[code]
    this.data = data
  }
}

/** Makes the error for a parameter that is not what the method takes. */
export function invalidParams(
  reason: string,
  message: string,
  data: Readonly<Record<string, unknown>> = {},
): RpcError {
  return new RpcError('invalidParams', message, { ...data, reason })
}
