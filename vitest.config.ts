import { defineConfig } from 'vitest/config'

/** What waits for many L1 blocks, loads KZG in several processes, or plays hundreds of simulations: `npm run test:slow`. */
const slow = [
  'sequencer/**/TxManager.anvil.test.ts',
  'test/e2e/blobs.test.ts',
  'test/e2e/crash.test.ts',
  'test/e2e/realL1.test.ts',
  'test/e2e/reorg.test.ts',
  'test/simulation/everyWrite.test.ts',
]

const setupFiles = ['test/setup/fastCheck.ts']

const e2e = { testTimeout: 180_000, hookTimeout: 120_000, setupFiles }

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['**/*.test.ts'],
          exclude: ['**/node_modules/**', 'dist/**', 'test/e2e/**', ...slow],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Vitest leaves one core free: of two, every second one.
          maxWorkers: '100%',
          setupFiles,
        },
      },
      // They wait for blocks more than they compute.
      { test: { name: 'e2e', include: ['test/e2e/**/*.test.ts'], exclude: slow, maxWorkers: 2, ...e2e } },
      { test: { name: 'slow', include: slow, fileParallelism: false, ...e2e } },
    ],
  },
})
