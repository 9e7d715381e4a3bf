export * from './artifacts.ts'
export { DEPLOYMENT_PROXY, type DeployingClient } from './create2.ts'
export * from './deploy.ts'
export * from './errors.ts'
