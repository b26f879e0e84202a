// npm run generate: writes every generated file (contract/schema, docs/reference …) from its one source in src/.
// One file a generator in scripts/generate/, listed in generators.ts; test/generated.test.ts proves that the committed files are current.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL('./run-ts.mjs', import.meta.url)), 'scripts/generate/write.ts', 'write'],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit' },
)
process.exit(status ?? 1)
