import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** The packages a module loads, with everything it imports when it starts (not what it imports later, on demand). */
function packagesOf(file: string, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>()
  if (seen.has(file)) return packages
  seen.add(file)
  for (const [, from] of readFileSync(file, 'utf8').matchAll(/^(?:import|export) (?!type )[{*a-z][^'"=]* from '([^']+)'/gm)) {
    if (from!.startsWith('.')) for (const name of packagesOf(join(dirname(file), from!), seen)) packages.add(name)
    else if (!from!.startsWith('node:')) packages.add(from!)
  }
  return packages
}

const src = fileURLToPath(new URL('..', import.meta.url))

test('a command that only asks the server loads no package but the one that reads the command line', () => {
  expect([...packagesOf(join(src, 'cli/main.ts'))]).toEqual(['commander'])
  for (const onDemand of ['api/client.ts', 'api/address.ts']) expect([...packagesOf(join(src, onDemand))]).toEqual([])
  // The walk itself sees what it should.
  expect([...packagesOf(join(src, 'api/run.ts'))]).toEqual(['typebox'])
})
