import { BaseError } from 'viem'
import {
  CodeDiffersError,
  DeploymentFailedError,
  DeploymentProxyAbsentError,
  FeeCeilingError,
} from '../contracts/errors.ts'
import { urlSecrets, withoutSecrets } from '../node/urlSecrets.ts'
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
    error instanceof FeeCeilingError ||
    'syscall' in error
  )
}

/** Without the request, the stack and the version, which bury what happened, and without what URLs keep secret. */
function describeViemError(error: BaseError): string {
  const named = /^URL: (\S+)$/m.exec(error.message)?.[1]
  // A node's own words may look like that line.
  const url = named !== undefined && URL.canParse(named) ? named : undefined
  const details = error.details && !error.shortMessage.includes(error.details) ? error.details : undefined
  const lines = [error.shortMessage, url && `URL: ${new URL(url).origin}`, details]
  const text = lines.filter((line) => line !== undefined).join('\n')
  return url === undefined ? text : withoutSecrets(text, urlSecrets(url))
}
