import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { compilerThere, core, coreSources, firmware, objects, there } from './build.ts'
import { arm, checked, compilers, narrowed, type Target, xtensa } from './targets.ts'

/** The files that only the ESP32's own tools can make an image of, compiled as strictly as the core against headers of ours that stand in
 *  for the board's (firmware/test/stubs). It shows that they are C++ on the board's data model, use what the stubs declare, and leave
 *  nothing undefined but that. It can't show that the real headers say the same: docs/guide/firmware.md says how that was checked. */
const run = promisify(execFile)
const minutes = 60_000
const stubs = join(firmware, 'test/stubs')
const kept = join(firmware, 'build/board')
const guide = join(firmware, '../docs/guide/firmware.md')

const filesUnder = async (folder: string): Promise<string[]> =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
const boardFiles = (await filesUnder(join(firmware, 'boards/esp32'))).filter(file => file.endsWith('.cpp'))
const oneHeaderEach = [
  ...(await filesUnder(join(firmware, 'sensors'))),
  ...(await filesUnder(join(firmware, 'commands'))),
].filter(file => file.endsWith('.h'))

/** The guide's examples: each block of C++ that begins with the name of its file. */
const examples = [...(await readFile(guide, 'utf8')).matchAll(/```cpp\n\/\/ (\S+)\n([\s\S]*?)```/g)].map(found => ({
  file: found[1]!,
  text: found[2]!,
}))

async function hashed(paths: readonly string[], more: string): Promise<string> {
  const hash = createHash('sha256').update(more)
  for (const path of paths) hash.update(path).update(await readFile(path))
  return hash.digest('hex').slice(0, 32)
}

let headers: string
beforeAll(async () => {
  const all = [
    stubs,
    join(core, 'include'),
    join(firmware, 'boards/esp32'),
    join(firmware, 'sensors'),
    join(firmware, 'commands'),
  ]
  headers = await hashed(
    (await Promise.all(all.map(filesUnder))).flat().filter(file => file.endsWith('.h')),
    '',
  )
})

/** The object of a file of the board; kept while nothing it is made of changes. */
async function compiled(target: Target, source: string, includes: readonly string[] = []): Promise<string> {
  const flags = [
    ...target.cxxFlags,
    '-std=gnu++17',
    ...[...includes, stubs, firmware, join(core, 'include')].map(path => `-I${path}`),
  ]
  const out = join(kept, `${basename(source, '.cpp')}-${await hashed([source], headers + target.prefix + flags.join(' '))}.o`)
  if (existsSync(out)) return out
  await mkdir(kept, { recursive: true })
  const part = `${out.slice(0, -2)}.${process.pid}.part.o`
  await run(compilers(target).cxx, [...flags, '-c', source, '-o', part])
  await rename(part, out)
  return out
}

async function written(file: string, text: string): Promise<string> {
  const path = join(kept, 'made', file)
  await mkdir(dirname(path), { recursive: true })
  if (!existsSync(path) || (await readFile(path, 'utf8')) !== text) await writeFile(path, text)
  return path
}

/** A file that brings nothing but this header, as somebody else's may. */
const including = (header: string): Promise<string> => written(`${header.replaceAll(/\W/g, '_')}.cpp`, `#include "${header}"\n`)

const targets = [
  { name: "with the ESP32's data model", target: arm, needs: 'gcc-arm-none-eabi' },
  {
    name: 'as 32-bit code',
    target: { ...narrowed, cxxFlags: narrowed.cxxFlags.filter(flag => !/sanitize/.test(flag)) },
    needs: 'g++-multilib',
  },
  { name: 'as Xtensa code', target: xtensa, needs: 'gcc-xtensa-lx106' },
] as const

describe.each(targets)('the board compiles $name (needs $needs)', async ({ target }) => {
  const can = await there(compilers(target).cxx)

  test.skipIf(!can)('each port of the ESP32', { timeout: 5 * minutes }, async () => {
    expect(boardFiles.length).toBeGreaterThan(10)
    for (const file of boardFiles) await compiled(target, file)
  })

  test.skipIf(!can)('each sensor and command by itself', { timeout: 5 * minutes }, async () => {
    expect(oneHeaderEach.map(file => basename(file))).toEqual(
      expect.arrayContaining(['adc1.h', 'bme280.h', 'dht22.h', 'ds18b20.h']),
    )
    for (const file of oneHeaderEach) await compiled(target, await including(file.slice(firmware.length + 1)))
  })

  test.skipIf(!can)('what the guide shows', { timeout: 5 * minutes }, async () => {
    expect(examples.map(example => example.file)).toEqual(['sensors/soil.h', 'commands/soil_volts.h', 'boards/esp32/wiring.h'])
    for (const { file, text } of examples) await written(file, text)
    // The board's own main with the guide's wiring in place of ours.
    const main = await written('boards/esp32/main.cpp', await readFile(join(firmware, 'boards/esp32/main.cpp'), 'utf8'))
    await compiled(target, main, [join(kept, 'made/boards/esp32'), join(kept, 'made'), join(firmware, 'boards/esp32')])
  })
})

describe.skipIf(!(await there('arm-none-eabi-g++')))('the objects of the board', () => {
  /** `nm`'s lines, as [kind, name]. */
  const symbols = async (files: readonly string[], ...flags: string[]): Promise<[string, string][]> => {
    const { stdout } = await run('arm-none-eabi-nm', [...flags, ...files], { maxBuffer: 64 << 20 })
    return [...stdout.matchAll(/^[0-9a-f ]{8} (\w) (.+)$/gm)].map(found => [found[1]!, found[2]!])
  }

  test('define verifyRollbackLater under its plain name, where it is surely linked', { timeout: 5 * minutes }, async () => {
    const main = await compiled(arm, join(firmware, 'boards/esp32/main.cpp'))
    expect(await symbols([main])).toContainEqual(['T', 'verifyRollbackLater'])
  })

  test('own no more static memory than the budget gives them (docs/guide/firmware.md)', { timeout: 5 * minutes }, async () => {
    const board = await Promise.all(boardFiles.map(file => compiled(arm, file)))
    const { stdout } = await run('arm-none-eabi-size', board)
    const owned = stdout
      .trim()
      .split('\n')
      .slice(1)
      .map(row => row.trim().split(/\s+/).map(Number))
    expect(owned.reduce((sum, [, data, bss]) => sum + data! + bss!, 0)).toBeLessThanOrEqual(51 * 1024)
  })

  test("need nothing but the core, the board's calls and C's library", { timeout: 5 * minutes }, async () => {
    const board = await Promise.all(boardFiles.map(file => compiled(arm, file)))
    const all = await symbols([...board, ...(await objects(arm, await coreSources()))], '-C')
    const defined = new Set(all.filter(([kind]) => kind !== 'U').map(([, name]) => name))
    const declared = (await Promise.all((await filesUnder(stubs)).map(file => readFile(file, 'utf8')))).join('\n')
    const ofC = /^(_?_?aeabi_\w+|__\w+|mem\w+|str\w+|open|close|read|write|lseek|unlink|malloc|free|gettimeofday|abort)$/
    const missing = all
      .filter(([kind, name]) => kind === 'U' && !defined.has(name))
      .map(([, name]) => name.replace(/^vtable for |^typeinfo for /, ''))
      .filter(name => !ofC.test(name) && !new RegExp(`\\b${name.replace(/\(.*$/, '').split('::').at(-1)}\\b`).test(declared))
    expect([...new Set(missing)]).toEqual([])
  })
})

test.skipIf(!compilerThere)(
  'what the board does with MQTT, HTTP, flash and sensors holds, on FreeRTOS, clients and libraries made up here',
  { timeout: 5 * minutes },
  async () => {
    const sources = [
      ...(await filesUnder(join(firmware, 'test/board'))).filter(file => file.endsWith('.cpp')),
      ...['mqtt.cpp', 'mqtt_events.cpp', 'http.cpp', 'flash.cpp'].map(file => join(firmware, 'boards/esp32', file)),
      ...['units.cpp', 'platform/hosted.cpp'].map(file => join(firmware, 'test', file)),
    ]
    const made = await Promise.all(sources.map(source => compiled(checked, source)))
    const program = join(kept, 'ports')
    await run('g++', [...checked.linkFlags, '-Wl,--wrap=open,--wrap=unlink', ...made, '-o', program])
    // The buffers of the fakes are nobody's to free, as the board's.
    const { stdout } = await run(program, [], { env: { ...process.env, ASAN_OPTIONS: 'detect_leaks=0' } })
    const lines = stdout.trim().split('\n')
    expect(lines.filter(line => !line.startsWith('good '))).toEqual([])
    expect(lines).toHaveLength(16)
  },
)

const cppcheckThere = await there('cppcheck')
const tidyThere = await there('clang-tidy-19')

describe('analysers find nothing in the files of the board', () => {
  const seen = [`-I${stubs}`, `-I${core}/include`, `-I${firmware}`]
  const quiet = (command: string, args: readonly string[]): Promise<string> =>
    run(command, [...args]).then(
      () => '',
      (error: { stdout: string; stderr: string }) => `${error.stdout}${error.stderr}`.slice(0, 4_000),
    )

  test.skipIf(!cppcheckThere)('cppcheck (needs cppcheck)', { timeout: 5 * minutes }, async () => {
    const flags = ['--enable=warning,performance,portability', '--std=c++17', '--platform=unix32-unsigned', '--inline-suppr']
    expect(await quiet('cppcheck', [...flags, '--error-exitcode=1', '-q', ...seen, ...boardFiles])).toBe('')
  })

  test.skipIf(!tidyThere)('clang-tidy (needs clang-tidy-19)', { timeout: 5 * minutes }, async () => {
    const checks = '-checks=-*,clang-analyzer-*,bugprone-*,-bugprone-easily-swappable-parameters'
    const as = ['-std=gnu++17', '-fno-exceptions', '-fno-rtti', '-m32', ...seen]
    expect(await quiet('clang-tidy-19', ['--quiet', '--warnings-as-errors=*', checks, ...boardFiles, '--', ...as])).toBe('')
  })
})

describe('the files of the board', () => {
  test('are thin: no more than 200 lines, and nothing waits', async () => {
    for (const file of [...(await filesUnder(join(firmware, 'boards/esp32'))), ...oneHeaderEach]) {
      const text = await readFile(file, 'utf8')
      expect(text.split('\n').length - 1, file).toBeLessThanOrEqual(200)
      expect(text, file).not.toMatch(/\bdelay\(/)
    }
  })

  test('hold no secret: what an image contains is read by whoever downloads it', async () => {
    for (const file of await filesUnder(join(firmware, 'boards/esp32')))
      expect(await readFile(file, 'utf8'), file).not.toMatch(/BEGIN (CERTIFICATE|.*PRIVATE KEY)|(ssid|password)\w* *= *"[^"]/i)
  })
})
