import type { RpcErrorData } from './RpcError.ts'

/** What a method knows of its caller. */
export type RpcContext = {
  /** Present on WebSocket connections only: sends a notification `{method, params}`. */
  notify: ((method: string, params: unknown) => void) | undefined
  /** Runs the function when the connection closes; at once for HTTP. */
  onClose(close: () => void): void
}

/** A JSON-RPC method: takes unchecked positional params, answers a JSON value or throws `RpcError`. */
export type RpcMethod = (params: readonly unknown[], context: RpcContext) => unknown

/** Methods by name. */
export type RpcMethods = Readonly<Record<string, RpcMethod>>

/** What the server refuses to exceed. */
export type RpcLimits = {
  /** Bytes of an HTTP body or a WebSocket message. */
  maxRequestBytes: number
  /** Bytes of all results of one batch. */
  maxResponseBytes: number
  /** Calls in one batch. */
  maxBatchLength: number
  /** Nesting of the request's JSON. */
  maxDepth: number
  maxConnections: number
  maxSubscriptionsPerConnection: number
}

/** Answers `/readyz`: why the node is not ready, nothing when it is. */
export type Readiness = () => readonly RpcErrorData[]

/** A listening server. */
export interface RpcServer {
  /** With the port that was bound, e.g. `http://127.0.0.1:8545`. */
  readonly url: string
  readonly wsUrl: string
  close(): Promise<void>
}
