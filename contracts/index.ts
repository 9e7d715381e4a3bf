export * from './artifacts.ts'
export { DEPLOYMENT_PROXY, DEPLOYMENT_PROXY_CODE, type DeployingClient } from './create2.ts'
export * from './deploy.ts'
export * from './errors.ts'
export {
  chooseFees,
  completeTerms,
  DEFAULT_FEE_LIMITS,
  type FeeLimits,
  type TransactionFees,
} from './fees.ts'
export { revertReason } from './revertReason.ts'
