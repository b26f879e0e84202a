import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData } from '../espalier.ts'
import { compilerThere, coreSources, firmware, linked, objects, run, there, unitSources } from './build.ts'
import { arm, checked, narrowed, type Target, xtensa } from './targets.ts'

/** The units of the core (firmware/test/unit_*.cpp), run as four kinds of code, and the size and stack of the core as Xtensa code. What
 *  none of this can show: a link of the real image, the chip's radio, its flash, its timing. The node's RAM is node.h's to assert: 24,384
 *  bytes of the 24,576 allowed, as ARM and Xtensa code alike. */
const minutes = 60_000
const platform = (file: string): string => join(firmware, 'test/platform', file)
const armThere = (await there('arm-none-eabi-g++')) && (await there('qemu-arm'))
const xtensaThere = (await there('xtensa-lx106-elf-g++')) && (await there('qemu-system-xtensa'))
const narrowThere = compilerThere && (await canLink32())

async function canLink32(): Promise<boolean> {
  const { dir, remove } = await temporaryData()
  return await linked(narrowed, [platform('hosted.cpp'), join(firmware, 'test/units.cpp')], join(dir, 'nothing'))
    .then(
      () => true,
      () => false,
    )
    .finally(remove)
}

describe('the units of the firmware hold', () => {
  let dir: string
  let remove: () => Promise<void>
  beforeAll(async () => {
    ;({ dir, remove } = await temporaryData())
  })
  afterAll(() => remove())

  const program = async (target: Target, ...files: string[]): Promise<string> =>
    await linked(target, [...(await coreSources()), ...(await unitSources()), ...files.map(platform)], join(dir, 'units'))

  /** Each unit said that it was good, and there are as many as files. */
  async function allGood(output: { stdout: string }): Promise<void> {
    const lines = output.stdout.trim().split('\n')
    expect(lines.filter(line => !line.startsWith('good '))).toEqual([])
    expect(lines.length).toBeGreaterThanOrEqual((await unitSources()).length - 1)
  }

  test.skipIf(!compilerThere)('on this machine, under sanitizers', { timeout: 5 * minutes }, async () => {
    await allGood(await run(await program(checked, 'hosted.cpp')))
  })

  test.skipIf(!narrowThere)('as 32-bit code, under sanitizers (needs g++-multilib)', { timeout: 5 * minutes }, async () => {
    await allGood(await run(await program(narrowed, 'hosted.cpp')))
  })

  test.skipIf(!armThere)(
    "with the ESP32's data model (needs gcc-arm-none-eabi, qemu-user)",
    { timeout: 5 * minutes },
    async () => {
      await allGood(await run('qemu-arm', [await program(arm, 'hosted.cpp', 'arm.c')]))
    },
  )

  test.skipIf(!compilerThere)('and the arithmetic they have as Xtensa code is right', { timeout: minutes }, async () => {
    const program = join(dir, 'soft')
    await run('gcc', ['-O2', '-Wall', '-Wno-unused-function', join(firmware, 'test/soft.c'), '-o', program])
    expect((await run(program)).stdout).toBe('equal\n')
  })

  test.skipIf(!xtensaThere)('as Xtensa code (needs gcc-xtensa-lx106, qemu-system-misc)', { timeout: 5 * minutes }, async () => {
    const kernel = await program(xtensa, 'xtensa_units.cpp', 'xtensa.c', 'xtensa_soft.c')
    const machine = ['-M', 'sim', '-cpu', 'lx106', '-nographic', '-monitor', 'none', '-semihosting', '-kernel', kernel]
    await allGood(await run('qemu-system-xtensa', machine, { timeout: 4 * minutes }))
  })
})

/** Proposals of the budget (docs/guide/firmware.md), to be settled on a board. */
const mostCodeBytes = 96 * 1024
const mostFrameBytes = 1024

describe.skipIf(!xtensaThere)('the core as Xtensa code (needs gcc-xtensa-lx106)', () => {
  test('stays within its code', { timeout: 5 * minutes }, async () => {
    const { stdout } = await run('xtensa-lx106-elf-size', await objects(xtensa, await coreSources()))
    const rows = stdout.trim().split('\n').slice(1)
    const bytes = (column: number): number => rows.reduce((sum, row) => sum + Number(row.trim().split(/\s+/)[column]), 0)
    expect(bytes(0)).toBeGreaterThan(4_096)
    expect(bytes(0)).toBeLessThanOrEqual(mostCodeBytes)
    // The core owns nothing by itself: a board makes its one Node, whose size node.h asserts.
    expect(bytes(1) + bytes(2)).toBeLessThanOrEqual(256)
  })

  test('has no stack frame over 1 KiB, and none of unknown size', { timeout: 5 * minutes }, async () => {
    const made = await objects(xtensa, await coreSources())
    const frames = (await Promise.all(made.map(file => readFile(file.replace(/\.o$/, '.su'), 'utf8'))))
      .flatMap(text => text.trim().split('\n'))
      .filter(Boolean)
      .map(line => line.split('\t'))
    expect(frames.length).toBeGreaterThan(20)
    expect(frames.filter(([, bytes, kind]) => Number(bytes) > mostFrameBytes || kind !== 'static')).toEqual([])
  })
})
