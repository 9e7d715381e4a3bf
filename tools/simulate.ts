import { simulate } from '../test/simulation/simulate.ts'

for (const seed of process.argv.slice(2).map(Number)) {
  const t = performance.now()
  const outcome = await simulate(
    seed,
    process.env.TRACE ? { onTrace: (line) => console.log(line), logLevel: process.env.TRACE as 'info' } : {},
  )
  console.log(JSON.stringify({ ms: Math.round(performance.now() - t), ...outcome }))
}
