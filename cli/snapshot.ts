import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import type { WantedSnapshot } from '../node/index.ts'
import { CliError } from './CliError.ts'
import { option, parseQuantity, readRollupConfig } from './options.ts'

/** Makes the commands that write a snapshot, and look into one. */
export function createSnapshotCommand(): Command {
  return new Command('snapshot')
    .description('write the state of a chain to a file that new nodes can begin with')
    .addCommand(createCreateCommand())
    .addCommand(createInspectCommand())
}

type CreateFlags = {
  dataDir: string
  rollupConfig: string
  output: string
  block?: bigint
  outputIndex?: bigint
}

function createCreateCommand(): Command {
  return new Command('create')
    .description('write the snapshot of the newest final output of a stopped node, or of the output named')
    .addOption(option('--data-dir <dir>', 'directory of the node').makeOptionMandatory())
    .addOption(
      option(
        '--rollup-config <file>',
        'the rollup config that came with the contracts',
      ).makeOptionMandatory(),
    )
    .addOption(option('--output <file>', 'where to write the snapshot').makeOptionMandatory())
    .addOption(
      option('--block <number>', 'the block of an output').argParser(parseQuantity).conflicts('outputIndex'),
    )
    .addOption(option('--output-index <index>', 'an output on L1').argParser(parseQuantity))
    .action(create)
}

async function create(flags: CreateFlags): Promise<void> {
  const rollup = readRollupConfig(flags.rollupConfig)
  const path = join(flags.dataDir, 'chain')
  if (!existsSync(path))
    throw new CliError(`${flags.dataDir}: has no database; is it the directory of a node?`)
  if (existsSync(flags.output)) throw new CliError(`${flags.output}: exists, and is not written over`)
  const { chooseSnapshotOutput, DatabaseUnavailableError, exportSnapshot, openChainStore } = await import(
    '../node/index.ts'
  )
  const store = await openChainStore(path, rollup).catch((cause: unknown) => {
    if (!(cause instanceof DatabaseUnavailableError && cause.isLocked)) throw cause
    const message = 'its node is running; stop it, or take the directory of another node for snapshots'
    throw new CliError(`${flags.dataDir}: ${message}`, { cause })
  })
  try {
    const output = chooseSnapshotOutput(store, rollup, wantedSnapshot(flags))
    const bytes = await exportSnapshot(store, output, flags.output)
    print({ file: flags.output, bytes, outputIndex: output.index, block: output.l2BlockNumber })
  } finally {
    await store.close()
  }
}

function wantedSnapshot({ block, outputIndex }: CreateFlags): WantedSnapshot | undefined {
  if (outputIndex !== undefined) return { outputIndex }
  return block === undefined ? undefined : { blockNumber: block }
}

function createInspectCommand(): Command {
  return new Command('inspect')
    .description('check a snapshot for itself, without L1, and show what it holds, as JSON')
    .argument('<file>', 'the snapshot')
    .addOption(option('--rollup-config <file>', 'refuse the snapshot of any other rollup'))
    .action(inspect)
}

async function inspect(file: string, flags: { rollupConfig?: string }): Promise<void> {
  const rollup = flags.rollupConfig === undefined ? undefined : readRollupConfig(flags.rollupConfig)
  const { withSnapshotFile } = await import('../node/index.ts')
  await withSnapshotFile(file, rollup, async (reading) => {
    const counts = await reading.readState(async () => undefined)
    const { head, anchor } = reading
    const { block, inclusion } = head.base
    print({
      l2ChainId: head.l2ChainId,
      genesisHash: head.genesisHash,
      rollupConfigHash: head.rollup,
      base: {
        number: block.header.number,
        hash: block.hash,
        keystoreRoot: block.header.withdrawalsRoot,
        l1Block: inclusion.l1Block,
      },
      output: {
        ...head.output,
        blockNumber: anchor.number,
        blockHash: anchor.hash,
        outputRoot: anchor.outputRoot,
      },
      firstOutput: head.firstOutput,
      ...counts,
    })
  })
}

/** Numbers are shown as JSON numbers where these are exact, else as text. */
function print(value: object): void {
  const toJson = (_: string, each: unknown) =>
    typeof each !== 'bigint' ? each : each <= Number.MAX_SAFE_INTEGER ? Number(each) : String(each)
  process.stdout.write(`${JSON.stringify(value, toJson, 2)}\n`)
}
