import { BaseError } from 'viem'
import { CodeDiffersError, DeploymentFailedError, DeploymentProxyAbsentError } from '../contracts/errors.ts'
import { KeyrollError } from '../protocol/index.ts'

/** Puts a failed command into words: a few lines for mistakes and faults, the stack for what nobody foresaw. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error instanceof BaseError) return describeViemError(error)
  const { cause } = error
  if (cause instanceof BaseError && isForeseen(error)) return `${error.message}\n${describeViemError(cause)}`
  return isForeseen(error) ? error.message : (error.stack ?? error.message)
}

/** Contracts import nothing of ours, so that their errors have a base of their own; the system's name what it refused. */
function isForeseen(error: Error): boolean {
  return (
    error instanceof KeyrollError ||
    error instanceof DeploymentProxyAbsentError ||
    error instanceof CodeDiffersError ||
    error instanceof DeploymentFailedError ||
    'syscall' in error
  )
}

/** Without the request, the stack and the version, which bury what happened. */
function describeViemError(error: BaseError): string {
  const url = /^URL: .*$/m.exec(error.message)?.[0]
  const details = error.details && !error.shortMessage.includes(error.details) ? error.details : undefined
  return [error.shortMessage, url, details].filter((line) => line !== undefined).join('\n')
}
