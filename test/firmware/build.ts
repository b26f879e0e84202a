import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { checked, compilers, type Target } from './targets.ts'

/** Compiles the portable core, for any target of `targets.ts`, and programs of firmware/test on top of it: as strictly as the board's
 *  build. An object is made once for what it is made of, and kept in firmware/build/objects. */
export const run = promisify(execFile)
export const firmware = fileURLToPath(new URL('../../firmware', import.meta.url))
export const core = join(firmware, 'lib/espalier')
const include = join(core, 'include')
const kept = join(firmware, 'build/objects')

const filesIn = async (folder: string, wanted: (file: string) => boolean): Promise<string[]> =>
  (await readdir(folder))
    .filter(wanted)
    .sort()
    .map(file => join(folder, file))

export const coreSources = (): Promise<string[]> => filesIn(join(core, 'src'), file => file.endsWith('.cpp'))
export const unitSources = async (): Promise<string[]> => [
  join(firmware, 'test/units.cpp'),
  ...(await filesIn(join(firmware, 'test'), file => /^unit_.*\.cpp$/.test(file))),
]

/** Everything a source may include of ours: a change of a header makes all objects anew. */
async function headers(): Promise<Buffer> {
  const folders = [
    join(include, 'espalier'),
    join(core, 'src'),
    ...['test', 'test/fuzz', 'boards/host'].map(folder => join(firmware, folder)),
  ].filter(existsSync)
  const files = (await Promise.all(folders.map(folder => filesIn(folder, file => file.endsWith('.h'))))).flat()
  return Buffer.concat(await Promise.all(files.map(file => readFile(file))))
}

const flagsFor = (target: Target, source: string): readonly string[] =>
  source.endsWith('.c') ? target.cFlags : [...target.cxxFlags, `-I${include}`]

/** The object of each source, in order. Two compilers work at once. */
export async function objects(target: Target, sources: readonly string[]): Promise<string[]> {
  const { cc, cxx } = compilers(target)
  const shared = await headers()
  const made: string[] = []
  await mkdir(kept, { recursive: true })
  const waiting = [...sources.entries()]
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, source] = next
      const flags = flagsFor(target, source)
      const hash = createHash('sha256')
        .update(JSON.stringify([cxx, flags, source]))
        .update(shared)
        .update(await readFile(source))
      const out = join(kept, `${hash.digest('hex').slice(0, 32)}.o`)
      if (!existsSync(out)) {
        const part = `${out.slice(0, -2)}.${process.pid}.part.o`
        await run(source.endsWith('.c') ? cc : cxx, [...flags, '-c', source, '-o', part])
        const stack = `${part.slice(0, -2)}.su`
        if (existsSync(stack)) await rename(stack, `${out.slice(0, -2)}.su`)
        await rename(part, out)
      }
      made[index] = out
    }
  }
  await Promise.all([work(), work()])
  return made
}

/** A program of firmware/test (`<name>.cpp`) for this machine, under the address and undefined behaviour sanitizers. */
export async function buildProgram(name: string, dir: string): Promise<string> {
  return await linked(checked, [...(await coreSources()), join(firmware, 'test', `${name}.cpp`)], join(dir, name))
}

/** Compiles what is not compiled yet and links it to the program `out`. */
export async function linked(target: Target, sources: readonly string[], out: string): Promise<string> {
  const made = await objects(target, sources)
  await mkdir(join(out, '..'), { recursive: true })
  const { cc, cxx } = compilers(target)
  await run(target.linkedBy === 'c' ? cc : cxx, [...target.linkFlags, ...made, ...target.libraries, '-o', out])
  return out
}

/** Is this command on the path? */
export const there = (command: string): Promise<boolean> =>
  run(command, ['--version']).then(
    () => true,
    () => false,
  )

/** Can C++ be compiled here at all? */
export const compilerThere = await there('g++')
