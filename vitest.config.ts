import { defineConfig } from 'vitest/config'

/** Long runs scale with ESPALIER_TEST_SCALE (1 in CI, 10 in `npm run test:long`); time limits follow it. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'console/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000 * Math.max(1, scale),
    hookTimeout: 60_000,
  },
})
