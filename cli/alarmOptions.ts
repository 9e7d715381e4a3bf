import type { Command } from 'commander'
import { InvalidArgumentError } from 'commander'
import type { AlarmOptions } from '../derivation/index.ts'
import { CliError } from './CliError.ts'
import { option, parseCount, readSecret } from './options.ts'
import { aborted } from './shutdown.ts'

/** The flags that say what is done when something is wrong. */
export type AlarmFlags = {
  onWrongOutput: 'exit' | 'alarm'
  alarmWebhook?: string
  alarmSecretFile?: string
  alarmAfter: number
  alarmRepeat: number
}

/** The exit code of a process that ended because an output on L1 is wrong. */
const WRONG_OUTPUT_EXIT_CODE = 3
const MIN_SECRET_LENGTH = 16

/** Adds the flags of alarms to a command. */
export function withAlarmOptions(command: Command): Command {
  return command
    .addOption(
      option(
        '--on-wrong-output <action>',
        `alarm: tell again and again; exit: tell, and end with code ${WRONG_OUTPUT_EXIT_CODE}`,
      )
        .choices(['exit', 'alarm'])
        .default('alarm'),
    )
    .addOption(
      option('--alarm-webhook <url>', 'where alarms are posted as JSON, beside the log').argParser(
        parseWebhookUrl,
      ),
    )
    .addOption(option('--alarm-secret-file <file>', 'signs what is posted (or KEYROLL_ALARM_SECRET)'))
    .addOption(
      option('--alarm-after <seconds>', 'how long the safe head may stand still, or L1 or blobs be missing')
        .argParser(parseCount)
        .default(900),
    )
    .addOption(
      option('--alarm-repeat <seconds>', 'how often what is still wrong is told again')
        .argParser(parseCount)
        .default(3600),
    )
}

/** Turns the flags of alarms into options. @throws {CliError} when the secret cannot be read or is too short. */
export function readAlarmFlags(flags: AlarmFlags): AlarmOptions {
  const secret = readSecret('KEYROLL_ALARM_SECRET', flags.alarmSecretFile)
  if (secret !== undefined && secret.text.length < MIN_SECRET_LENGTH) {
    throw new CliError(`${secret.where}: expected a secret of at least ${MIN_SECRET_LENGTH} characters`)
  }
  return {
    onWrongOutput: flags.onWrongOutput,
    patienceMs: flags.alarmAfter * 1_000,
    repeatMs: flags.alarmRepeat * 1_000,
    ...(flags.alarmWebhook !== undefined && { webhook: { url: flags.alarmWebhook, secret: secret?.text } }),
  }
}

/**
 * Waits until the signal aborts or a node stops by itself.
 *
 * @throws {CliError} with an exit code of its own when an output on L1 is wrong, and whatever else stopped the node.
 */
export async function untilStopped(signal: AbortSignal, stopped: Promise<void>): Promise<void> {
  const { WrongOutputError } = await import('../derivation/index.ts')
  try {
    await Promise.race([aborted(signal), stopped])
  } catch (cause) {
    if (!(cause instanceof WrongOutputError)) throw cause
    throw new CliError(cause.message, { cause, exitCode: WRONG_OUTPUT_EXIT_CODE })
  }
}

function parseWebhookUrl(text: string): string {
  // As it is: some receivers tell a URL with a slash at its end from one without.
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new InvalidArgumentError('expected a URL that starts with http:// or https://.')
}
