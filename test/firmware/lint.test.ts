import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { core, coreSources, firmware, run, there } from './build.ts'

/** What two analysers find in the portable core and in the host's board. */
const include = `-I${join(core, 'include')}`
const cppcheckThere = await there('cppcheck')
const tidyThere = await there('clang-tidy-19')

/** cppcheck takes System::log() for the logarithm. */
const notLog = '--suppress=ignoredReturnValue'

async function hostSources(): Promise<string[]> {
  const host = join(firmware, 'boards/host')
  return (await readdir(host)).filter(file => file.endsWith('.cpp')).map(file => join(host, file))
}

/** Left out: arguments of one type side by side, members in the order a person reads them, and a parser's way of going on. */
const checks = [
  ...['-*', 'clang-analyzer-*', 'bugprone-*', '-bugprone-easily-swappable-parameters'],
  ...['-clang-analyzer-optin.performance.Padding', '-bugprone-inc-dec-in-conditions'],
].join(',')

async function findings(command: string, args: readonly string[]): Promise<string> {
  return await run(command, [...args], { maxBuffer: 1 << 24 }).then(
    () => '',
    (error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`.slice(0, 4_000) || 'failed without a word',
  )
}

describe('analysers find nothing in the firmware', () => {
  test.skipIf(!cppcheckThere)('cppcheck (needs cppcheck)', { timeout: 300_000 }, async () => {
    const flags = [
      '--enable=warning,performance,portability',
      '--std=c++17',
      '--inline-suppr',
      '--error-exitcode=1',
      notLog,
      '-q',
      include,
    ]
    expect(await findings('cppcheck', [...flags, '--platform=unix32-unsigned', ...(await coreSources())])).toBe('')
    expect(await findings('cppcheck', [...flags, '--platform=unix64', ...(await hostSources())])).toBe('')
  })

  test.skipIf(!tidyThere)('clang-tidy (needs clang-tidy-19)', { timeout: 600_000 }, async () => {
    const sources = await coreSources()
    const half = Math.ceil(sources.length / 2)
    const tidy = (files: readonly string[]): Promise<string> =>
      findings('clang-tidy-19', [
        ...['--quiet', '--warnings-as-errors=*', `-checks=${checks}`, ...files],
        ...['--', '-std=c++17', '-fno-exceptions', '-fno-rtti', '-m32', include],
      ])
    expect(await Promise.all([tidy(sources.slice(0, half)), tidy(sources.slice(half))])).toEqual(['', ''])
  })
})
