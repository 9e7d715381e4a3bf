export * from './BlockRef.ts'
export { uint64Key } from './Bucket.ts'
export * from './ChainStore.ts'
export {
  createMemoryDatabase,
  type Database,
  DatabaseUnavailableError,
  openLevelDatabase,
  type Write,
} from './Database.ts'
export { createEndableFetch, type Fetch } from './EndableFetch.ts'
export * from './Engine.ts'
export type { SyncProgress } from './EthMethods.ts'
export * from './Fault.ts'
export { type PendingSetConfig, signedPromiseToJson } from './KeyrollMethods.ts'
export { createKzg, type Kzg } from './Kzg.ts'
export * from './L1Client.ts'
export { type L1BlockRef, type L1Header, l1HeaderToRef } from './L1Header.ts'
export type { L1Log, L1Receipt } from './L1Receipt.ts'
export type { L1Transaction } from './L1Transaction.ts'
export * from './Logger.ts'
export * from './LruCache.ts'
export * from './Metrics.ts'
export * from './NativeVerifier.ts'
export * from './OpaqueBucket.ts'
export type { L1Status } from './OptimismMethods.ts'
export * from './openChainStore.ts'
export * from './ReadMethods.ts'
export type { RpcContext, RpcLimits, RpcMethod, RpcMethods } from './RpcDispatcher.ts'
export * from './RpcError.ts'
export * from './RpcParams.ts'
export * from './RpcServer.ts'
export * from './StoredOutput.ts'
export * from './storeErrors.ts'
