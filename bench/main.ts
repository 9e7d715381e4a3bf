import { Command, InvalidArgumentError } from 'commander'
import { benchmarkDa } from './da.ts'
import { benchmarkDerivation } from './derivation.ts'
import { benchmarkGas } from './gas.ts'
import { benchmarkProof } from './proof.ts'
import type { Benchmark } from './report.ts'
import { benchmarkSequencer } from './sequencer.ts'
import { benchmarkSnapshot } from './snapshot.ts'

const benchmarks: Record<string, Benchmark> = {
  da: benchmarkDa,
  derivation: benchmarkDerivation,
  gas: benchmarkGas,
  proof: benchmarkProof,
  sequencer: benchmarkSequencer,
  snapshot: benchmarkSnapshot,
}

const program = new Command('bench')
  .description('Runs every benchmark, or the one named.')
  .argument('[name]', `one of ${Object.keys(benchmarks).join(', ')}`)
  .option('--json', 'print one JSON object per line on standard output', false)
  .option('--smoke', 'the smallest run that still exercises everything', false)
  .option(
    '--count <set-configs>',
    'how many the derivation reads from calldata (default: a million)',
    toCount,
  )
  .action(async (name: string | undefined, options: { json: boolean; smoke: boolean; count?: number }) => {
    const chosen =
      name === undefined ? Object.entries(benchmarks) : Object.entries(benchmarks).filter(([n]) => n === name)
    if (chosen.length === 0) {
      program.error(`unknown benchmark ${name}; expected one of ${Object.keys(benchmarks).join(', ')}`)
    }
    for (const [, run] of chosen) {
      for (const line of await run({ smoke: options.smoke, count: options.count })) {
        const { name, value, unit, peer, peerValue, ratio, load } = line
        const beside = peer === undefined ? '' : `   (${peer}: ${peerValue}, ratio ${ratio})`
        console.log(
          options.json
            ? JSON.stringify(line)
            : `${name.padEnd(32)} ${String(value).padStart(12)} ${unit}${beside}${load === undefined ? '' : `   [${load}]`}`,
        )
      }
    }
  })

function toCount(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new InvalidArgumentError('expected a whole number from 1 to 999999999.')
  return Number(text)
}

await program.parseAsync()
