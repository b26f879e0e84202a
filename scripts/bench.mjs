// npm run bench [-- NAME …]: runs bench/NAME.ts (all of them without a name), one after the other, each in a process of its own.
// A bench exports `async function bench()` that prints a table beside a peer or a limit measured in the same run.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const folder = new URL('../bench/', import.meta.url)
const known = readdirSync(folder)
  .filter(f => f.endsWith('.ts'))
  .map(f => f.slice(0, -3))
const asked = process.argv.slice(2).filter(a => !a.startsWith('-'))
const unknown = asked.filter(a => !known.includes(a))
if (unknown.length > 0) {
  console.error(`no bench named ${unknown.join(', ')}; there are: ${known.join(', ')}`)
  process.exit(2)
}
let failed = 0
for (const name of asked.length > 0 ? asked : known) {
  console.log(`\n== ${name}`)
  const run = spawnSync(
    process.execPath,
    [fileURLToPath(new URL('./run-ts.mjs', import.meta.url)), `bench/${name}.ts`, 'bench'],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      stdio: 'inherit',
    },
  )
  if (run.status !== 0) failed++
}
process.exit(failed === 0 ? 0 : 1)
