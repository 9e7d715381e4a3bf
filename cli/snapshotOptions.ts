import type { Command } from 'commander'
import type { L1ClientOptions, Logger } from '../node/index.ts'
import type { RollupConfig } from '../protocol/index.ts'
import { option } from './options.ts'

/** The flags of a node that may begin with a snapshot. */
export type SnapshotFlags = { snapshot?: string; acceptProposed: boolean }

/** Adds those flags to a command. */
export function withSnapshotOptions(command: Command): Command {
  return command
    .addOption(
      option('--snapshot <file>', 'begin a new database with this snapshot, checked against an output on L1'),
    )
    .addOption(
      option(
        '--accept-proposed',
        'take a snapshot whose output may still be deleted: its proposer is believed',
      ).default(false),
    )
}

/**
 * Makes the database out of the snapshot that the flags name, once L1 bears it out; where there is a database already, it stays.
 *
 * @throws as `importSnapshot` and `checkSnapshotOnL1`; then there is still no database.
 */
export async function startFromSnapshot(
  flags: SnapshotFlags,
  options: { rollup: RollupConfig; dataDirectory: string; l1: L1ClientOptions; logger: Logger },
  signal: AbortSignal,
): Promise<void> {
  const { snapshot: file, acceptProposed: acceptsProposed } = flags
  if (file === undefined) return
  const { rollup, dataDirectory: path, logger } = options
  const { checkSnapshotOnL1, createL1Client, createL1Outputs, hasDatabase, importSnapshot } = await import(
    '../node/index.ts'
  )
  if (hasDatabase(path)) {
    logger.info({ path, file }, 'there is a database already: the snapshot is not looked at')
    return
  }
  const l1 = createL1Client({ ...options.l1, logger, signal })
  const outputs = createL1Outputs({
    urls: options.l1.urls,
    oracle: rollup.outputOracleAddress,
    logger,
    signal,
  })
  try {
    const { nodes, configs, bytes, checksum } = await importSnapshot({
      file,
      path,
      rollup,
      signal,
      async check(reading) {
        await checkSnapshotOnL1(reading, { l1, outputs, rollup, acceptsProposed })
        const { output, base } = reading.head
        const { number, outputRoot } = reading.anchor
        logger.info(
          { base: base.block.header.number, output: output.index, block: number, outputRoot },
          'the output on L1 bears the snapshot out: loading its state',
        )
      },
    })
    logger.info({ nodes, configs, bytes, checksum }, 'loaded the snapshot')
  } finally {
    await l1.close()
  }
}
