export * from './artifacts.ts'
export { DEPLOYMENT_PROXY, DEPLOYMENT_PROXY_CODE, type DeployingClient } from './create2.ts'
export * from './deploy.ts'
export * from './errors.ts'
