import { execFile } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Compiles the portable core with one program of firmware/test: as strictly as the board's build, under the address and undefined
 *  behaviour sanitizers. */
const run = promisify(execFile)
const firmware = fileURLToPath(new URL('../../firmware', import.meta.url))
const core = join(firmware, 'lib/espalier')

const strict = [
  ...['-std=c++17', '-Wall', '-Wextra', '-Wpedantic', '-Wconversion', '-Wsign-conversion', '-Wshadow', '-Wformat=2'],
  ...['-Wdouble-promotion', '-Werror', '-fno-exceptions', '-fno-rtti', '-fno-threadsafe-statics'],
]
const checked = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']

export async function buildProgram(name: string, dir: string): Promise<string> {
  await mkdir(dir, { recursive: true })
  const sources = (await readdir(join(core, 'src'))).filter(file => file.endsWith('.cpp')).map(file => join(core, 'src', file))
  const out = join(dir, name)
  await run('g++', [
    ...strict,
    ...checked,
    `-I${join(core, 'include')}`,
    ...sources,
    join(firmware, 'test', `${name}.cpp`),
    '-o',
    out,
  ])
  return out
}

/** Can C++ be compiled here at all? */
export const compilerThere = await run('g++', ['--version']).then(
  () => true,
  () => false,
)
