import { cp, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryData } from '../espalier.ts'
import { coreSources, firmware, linked, run, there } from './build.ts'
import { fuzzed } from './targets.ts'

/** Whatever reads what others wrote, under libFuzzer, from a corpus in the tree: 100,000 inputs a harness here, as many more as
 *  ESPALIER_TEST_SCALE and ESPALIER_FUZZ_RUNS say. */
const folder = join(firmware, 'test/fuzz')
const harnesses = (await readdir(folder)).filter(file => file.endsWith('.cpp')).map(file => file.slice(0, -4))
const inputs = Number(process.env['ESPALIER_FUZZ_RUNS'] ?? 100_000 * Number(process.env['ESPALIER_TEST_SCALE'] ?? 1))
/** An input of these is a whole life of a node's commands, 450 to 1,700 a second: so many times fewer. */
const longer: Record<string, number> = { dispatcher: 10, command_memory: 4 }

describe.skipIf(!(await there('clang++-19')))('no input troubles the parsers (needs clang-19)', () => {
  test.for(harnesses)('%s', { timeout: 1_800_000 }, async name => {
    const { dir, remove } = await temporaryData()
    const runs = Math.ceil(inputs / (longer[name] ?? 1))
    try {
      const program = await linked(fuzzed, [...(await coreSources()), join(folder, `${name}.cpp`)], join(dir, name))
      await mkdir(join(dir, 'found'))
      // libFuzzer writes what it finds into the first corpus: a copy, never the tree.
      await cp(join(folder, 'corpus', name), join(dir, 'corpus'), { recursive: true })
      const how = [`-runs=${runs}`, '-max_len=4096', '-timeout=5', `-artifact_prefix=${dir}/found/`]
      const { stderr } = await run(program, [...how, join(dir, 'corpus')], { maxBuffer: 1 << 26, cwd: dir })
      expect(stderr).toContain(`Done ${runs} runs`)
    } finally {
      await remove()
    }
  })
})
