import { Command, Option } from 'commander'
import { type AlarmFlags, readAlarmFlags, untilStopped, withAlarmOptions } from './alarmOptions.ts'
import { CliError } from './CliError.ts'
import { type FeeFlags, GWEI, readFeeLimits, withFeeOptions } from './feeOptions.ts'
import { announce, type NodeFlags, readNodeFlags, withNodeOptions } from './nodeOptions.ts'
import {
  option,
  parseCount,
  parsePort,
  parseQuantity,
  readKey,
  readOptionalKey,
  readSecret,
} from './options.ts'
import { createShutdownSignal } from './shutdown.ts'
import { type SnapshotFlags, startFromSnapshot, withSnapshotOptions } from './snapshotOptions.ts'

type SequencerFlags = NodeFlags &
  SnapshotFlags &
  AlarmFlags &
  FeeFlags & {
    promiseKeyFile?: string
    batcherKeyFile?: string
    proposerKeyFile?: string
    adminPort?: number
    adminTokenFile?: string
    stopped: boolean
    l1Confirmations: bigint
    maxChannelDuration: bigint
    proposerHead: 'safe' | 'finalized'
    resubmitAfter: number
    maxBlobFee: bigint
    dataAvailability: 'auto' | 'calldata' | 'blobs'
    blobProofs: 'auto' | 'blob' | 'cells'
  }

const MIN_ADMIN_TOKEN_LENGTH = 16

/** Makes the command that runs a sequencer, with its batcher and its proposer. */
export function createSequencerCommand(): Command {
  const command = withNodeOptions(new Command('sequencer'), { dataDir: '.keyroll/sequencer', port: 8645 })
  return withFeeOptions(withAlarmOptions(withSnapshotOptions(command)))
    .description('take set-configs, promise and order them, post batches and outputs to L1')
    .addOption(option('--promise-key-file <file>', 'key of the promise signer (or KEYROLL_PROMISE_KEY)'))
    .addOption(
      option(
        '--batcher-key-file <file>',
        'key of the batcher (or KEYROLL_BATCHER_KEY); without it nothing is posted',
      ),
    )
    .addOption(
      option(
        '--proposer-key-file <file>',
        'key of the proposer (or KEYROLL_PROPOSER_KEY); without it no outputs',
      ),
    )
    .addOption(
      option(
        '--admin-port <port>',
        'where admin_ methods listen, 0 for any free port (default: nowhere)',
      ).argParser(parsePort),
    )
    .addOption(option('--admin-token-file <file>', 'bearer token of admin_ callers (or KEYROLL_ADMIN_TOKEN)'))
    .addOption(option('--stopped', 'build no blocks until admin_startSequencer').default(false))
    .addOption(
      option('--l1-confirmations <blocks>', 'L1 blocks that must stand above an L1 origin')
        .argParser(parseQuantity)
        .default(4n, '4'),
    )
    .addOption(
      option(
        '--max-channel-duration <blocks>',
        'L1 blocks for which blocks may wait to share an L1 transaction',
      )
        .argParser(parseQuantity)
        .default(10n, '10'),
    )
    .addOption(
      new Option('--proposer-head <head>', 'propose outputs of blocks that are safe, or finalized on L1')
        .choices(['safe', 'finalized'])
        .default('finalized')
        .env('KEYROLL_PROPOSER_HEAD'),
    )
    .addOption(
      option('--resubmit-after <seconds>', 'time after which an L1 transaction is offered again for more')
        .argParser(parseCount)
        .default(48),
    )
    .addOption(
      option('--max-blob-fee <gwei>', 'most that L1 transactions pay per blob gas')
        .argParser(parseQuantity)
        .default(500n, '500'),
    )
    .addOption(
      option(
        '--data-availability <kind>',
        'what batches are posted in; auto is whichever costs less, and calldata without --l1-beacon',
      )
        .choices(['auto', 'calldata', 'blobs'])
        .default('auto'),
    )
    .addOption(
      option('--blob-proofs <kind>', 'proofs that L1 wants beside blobs; auto asks it')
        .choices(['auto', 'blob', 'cells'])
        .default('auto'),
    )
    .action(runSequencer)
}

async function runSequencer(flags: SequencerFlags): Promise<void> {
  const signal = createShutdownSignal()
  const promiseKey = readKey('promise', flags.promiseKeyFile)
  const batcherKey = readOptionalKey('batcher', flags.batcherKeyFile)
  const proposerKey = readOptionalKey('proposer', flags.proposerKeyFile)
  const admin = readAdmin(flags)
  if (flags.dataAvailability === 'blobs' && flags.l1Beacon.length === 0) {
    throw new CliError('--data-availability blobs needs --l1-beacon: the sequencer reads its batches again')
  }
  const options = readNodeFlags(flags, 'sequencer')
  await startFromSnapshot(flags, options, signal)
  const { createSequencer } = await import('../sequencer/index.ts')
  const sequencer = await createSequencer({
    ...options,
    alarms: readAlarmFlags(flags),
    promiseKey,
    ...(batcherKey !== undefined && { batcherKey }),
    ...(proposerKey !== undefined && { proposerKey }),
    ...(admin !== undefined && { admin }),
    isStopped: flags.stopped,
    l1Confirmations: flags.l1Confirmations,
    batcher: { maxChannelDuration: flags.maxChannelDuration, dataAvailability: flags.dataAvailability },
    proposer: { head: flags.proposerHead },
    txManager: {
      resubmitAfterMs: flags.resubmitAfter * 1000,
      feeLimits: {
        minPriorityFeePerGas: 1_000_000n,
        ...readFeeLimits(flags),
        maxFeePerBlobGas: flags.maxBlobFee * GWEI,
      },
      blobProofs: flags.blobProofs,
    },
  })
  const { url: rpcUrl, wsUrl, adminUrl } = sequencer
  announce({ rpcUrl, wsUrl, ...(adminUrl !== undefined && { adminUrl }) })
  try {
    await untilStopped(signal, sequencer.stopped)
  } finally {
    await sequencer.close()
  }
}

function readAdmin(flags: SequencerFlags): { host: string; port: number; token: string } | undefined {
  if (flags.adminPort === undefined) return undefined
  const secret = readSecret('KEYROLL_ADMIN_TOKEN', flags.adminTokenFile)
  if (secret === undefined) {
    throw new CliError('--admin-port needs a token: set KEYROLL_ADMIN_TOKEN or --admin-token-file')
  }
  if (secret.text.length < MIN_ADMIN_TOKEN_LENGTH) {
    throw new CliError(`${secret.where}: expected a token of at least ${MIN_ADMIN_TOKEN_LENGTH} characters`)
  }
  return { host: flags.host, port: flags.adminPort, token: secret.text }
}
