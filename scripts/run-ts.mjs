// node scripts/run-ts.mjs FILE.ts [EXPORT]: runs a TypeScript file of the repository on Node 20, which can't strip types itself.
// The file and what it imports are bundled by esbuild (it comes with vite); packages stay outside.
import { mkdirSync, rmSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const [file, name] = process.argv.slice(2)
const out = new URL(`../node_modules/.cache/run-ts/${process.pid}/`, import.meta.url)
mkdirSync(out, { recursive: true })
const outfile = new URL('bundle.mjs', out)
// Workers and child processes of a bench find the repository by this, not by the bundle's place.
process.env.ESPALIER_REPO ??= new URL('..', import.meta.url).pathname
await build({
  entryPoints: [file],
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  outfile: outfile.pathname,
  sourcemap: 'inline',
  logLevel: 'warning',
})
try {
  const module = await import(pathToFileURL(outfile.pathname).href)
  if (name) await module[name](...process.argv.slice(4))
} finally {
  rmSync(out, { recursive: true, force: true })
}
