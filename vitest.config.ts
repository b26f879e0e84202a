import { defineConfig } from 'vitest/config'

/** With real nodes, most of the time waiting for what takes its time: several at once. */
const withNodes = [
  'test/firmware/**/*.test.ts',
  'test/stories/{conformance,conformance-matrix,node-life,outage,sim-real,update}.test.ts',
  'test/faults/{node-kills,replay,secrets}.test.ts',
]

/** Long runs scale with ESPALIER_TEST_SCALE (1 in CI, 10 in `npm run test:long`); time limits follow it. */
const scale = Math.max(1, Number(process.env.ESPALIER_TEST_SCALE ?? 1))

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'rooms',
          include: ['src/**/*.test.ts', 'console/**/*.test.ts', 'test/*.test.ts'],
          pool: 'forks',
          maxWorkers: 2,
          testTimeout: 60_000 * scale,
          hookTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'nodes',
          include: withNodes,
          pool: 'forks',
          maxWorkers: 3,
          testTimeout: 120_000 * scale,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Real servers, kills and full disks: one file at a time, so that no suite slows another one's clock.
        test: {
          name: 'house',
          include: ['test/*/**/*.test.ts'],
          exclude: withNodes,
          pool: 'forks',
          maxWorkers: 1,
          testTimeout: 120_000 * scale,
          hookTimeout: 120_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
