import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { temporaryData } from '../espalier.ts'
import { firmware } from './build.ts'

/** The PlatformIO project as a person opens it: its settings, the map of the flash, the circuit of the simulator. */
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const pio = join(cache, 'platformio/bin/pio')
const read = (file: string): Promise<string> => readFile(join(firmware, file), 'utf8')

type Sections = Record<string, Record<string, string[]>>

/** What we use of the format: sections, `key = value`, further values on indented lines, `;` in front of a comment. */
function sectionsOf(text: string): Sections {
  const sections: Sections = {}
  let section: Record<string, string[]> = {}
  let key = ''
  for (const line of text.split('\n')) {
    const head = /^\[(.+)\]$/.exec(line)
    const pair = /^(\w+(?:\.\w+)?) =(.*)$/.exec(line)
    if (head) section = sections[head[1]!] = {}
    else if (pair) section[(key = pair[1]!)] = pair[2]!.trim() ? [pair[2]!.trim()] : []
    else if (/^\s+\S/.test(line)) section[key]!.push(line.trim())
    else expect(line).toMatch(/^(;.*)?$/)
  }
  return sections
}

describe('platformio.ini', () => {
  test('builds our board with our partitions, from pinned packages', async () => {
    const { platformio, env, ...rest } = sectionsOf(await read('platformio.ini'))
    expect(platformio).toEqual({
      default_envs: ['esp32dev'],
      src_dir: ['boards/esp32'],
      lib_dir: ['lib'],
      test_dir: ['build/no-tests'],
    })
    expect(Object.keys(rest)).toEqual(['env:esp32dev', 'env:wokwi'])
    expect(env).toMatchObject({
      board: ['esp32dev'],
      framework: ['arduino'],
      'board_build.partitions': ['partitions.csv'],
      'board_build.filesystem': ['littlefs'],
    })
    expect(env!.platform).toEqual([expect.stringMatching(/\/releases\/download\/55\.03\.311\/platform-espressif32\.zip$/)])
    expect(env!.build_flags).toContain('-I.')
    for (const library of env!.lib_deps!) expect(library).toMatch(/^[\w-]+\/[\w ]+@\d+\.\d+\.\d+$/)
    expect(existsSync(join(firmware, 'build/no-tests'))).toBe(false)
  })

  test('leaves exceptions to the libraries and takes them from the core alone', async () => {
    expect(await read('platformio.ini')).not.toContain('exceptions')
    expect(JSON.parse(await read('lib/espalier/library.json')).build.flags).toContain('-fno-exceptions')
  })

  test.skipIf(!existsSync(pio))(
    'means to PlatformIO what it means to us (scripts/install-test-services)',
    { timeout: 60_000 },
    async () => {
      const data = await temporaryData()
      try {
        const { stdout } = await promisify(execFile)(pio, ['project', 'config', '--json-output', '-d', firmware], {
          env: { ...process.env, PLATFORMIO_CORE_DIR: data.dir, PLATFORMIO_SETTING_ENABLE_TELEMETRY: 'no' },
        })
        const sections = Object.fromEntries(
          JSON.parse(stdout).map(([name, pairs]: [string, []]) => [name, Object.fromEntries(pairs)]),
        )
        expect(sections.platformio).toMatchObject({ src_dir: join(firmware, 'boards/esp32'), lib_dir: join(firmware, 'lib') })
        for (const env of ['env:esp32dev', 'env:wokwi'])
          expect(sections[env]).toMatchObject({
            board: 'esp32dev',
            framework: ['arduino'],
            build_flags: ['-I.'],
            'board_build.partitions': 'partitions.csv',
            lib_deps: expect.arrayContaining(['adafruit/DHT sensor library@1.4.6']),
          })
      } finally {
        await data.remove()
      }
    },
  )
})

interface Partition {
  name: string
  type: string
  subtype: string
  offset: number
  size: number
}

const partitions = async (): Promise<Partition[]> =>
  (await read('partitions.csv'))
    .split('\n')
    .filter(line => line && !line.startsWith('#'))
    .map(line => line.split(',').map(cell => cell.trim()))
    .map(([name, type, subtype, offset, size]) => ({
      name: name!,
      type: type!,
      subtype: subtype!,
      offset: Number(offset),
      size: Number(size),
    }))

describe('partitions.csv', () => {
  const sector = 0x1000
  const flash = 4 << 20

  test('fills the four megabytes behind the table: no hole, no overlap', async () => {
    const all = await partitions()
    // Bootloader and table end at 0x9000.
    let end = 0x9000
    for (const { name, offset, size } of all) {
      expect(offset, name).toBe(end)
      expect(size % sector, name).toBe(0)
      end = offset + size
    }
    expect(end).toBe(flash)
  })

  test('has two slots of one size, where the chip can map them', async () => {
    const slots = (await partitions()).filter(({ type }) => type === 'app')
    expect(slots.map(({ name, subtype }) => [name, subtype])).toEqual([
      ['app0', 'ota_0'],
      ['app1', 'ota_1'],
    ])
    for (const { offset, size } of slots) {
      expect(offset % 0x10000).toBe(0)
      expect(size).toBe(1_835_008)
    }
  })

  test('keeps credentials apart from what the Arduino core erases by itself', async () => {
    const found = new Map((await partitions()).map(partition => [partition.name, partition]))
    expect(found.get('creds')).toMatchObject({ type: 'data', subtype: 'nvs', size: 0x10000 })
    expect(found.get('nvs')).toMatchObject({ type: 'data', subtype: 'nvs', offset: 0x9000 })
    expect(found.get('otadata')).toMatchObject({ type: 'data', subtype: 'ota', size: 0x2000 })
    expect(found.get('littlefs')).toMatchObject({ type: 'data', subtype: 'spiffs', size: 320 << 10 })
    expect(found.get('coredump')).toMatchObject({ type: 'data', subtype: 'coredump', size: 0x10000 })
    for (const name of found.keys()) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(16)
  })

  test('has the names the board asks for', async () => {
    const names = (await partitions()).map(({ name }) => name)
    const asked = [...(await read('boards/esp32/flash.cpp')).matchAll(/constexpr char k(?:Partition|Files)\[\] = "(\w+)"/g)]
    expect(asked.map(found => found[1])).toEqual(['creds', 'littlefs'])
    expect(names).toEqual(expect.arrayContaining(asked.map(found => found[1])))
  })
})

describe('the simulator', () => {
  /** Pins of the parts we use, as Wokwi names them. */
  const pins: Record<string, readonly string[]> = {
    'board-esp32-devkit-c-v4':
      '3V3 EN VP VN 34 35 32 33 25 26 27 14 12 GND.1 13 5V GND.2 23 22 TX RX 21 GND.3 19 18 5 17 16 4 0 2 15'.split(' '),
    'wokwi-dht22': ['VCC', 'SDA', 'NC', 'GND'],
    'wokwi-led': ['A', 'C'],
    'wokwi-resistor': ['1', '2'],
    'wokwi-relay-module': ['VCC', 'GND', 'IN', 'NC', 'COM', 'NO'],
  }

  test('is wired with parts and pins that there are', async () => {
    const diagram = JSON.parse(await read('diagram.json'))
    expect(diagram).toMatchObject({ version: 1, editor: 'wokwi' })
    const typeOf = new Map<string, string>(diagram.parts.map((part: { id: string; type: string }) => [part.id, part.type]))
    expect(typeOf.size).toBe(diagram.parts.length)
    for (const part of diagram.parts)
      expect(part).toEqual({
        type: expect.stringMatching(new RegExp(`^(${Object.keys(pins).join('|')})$`)),
        id: expect.any(String),
        top: expect.any(Number),
        left: expect.any(Number),
        attrs: expect.any(Object),
      })
    for (const [from, to, colour, path] of diagram.connections) {
      expect([typeof colour, Array.isArray(path)]).toEqual(['string', true])
      for (const end of [from, to] as string[]) {
        const [id, pin] = [end.slice(0, end.indexOf(':')), end.slice(end.indexOf(':') + 1)]
        if (id === '$serialMonitor') expect(['TX', 'RX']).toContain(pin)
        else expect(pins[typeOf.get(id)!], end).toContain(pin)
      }
    }
  })

  test('is wired as wiring.h says', async () => {
    const wiring = await read('boards/esp32/wiring.h')
    const pin = (pattern: RegExp): string => pattern.exec(wiring)![1]!
    const connections: string[] = JSON.parse(await read('diagram.json')).connections.map(
      (ends: string[]) => `${ends[0]} ${ends[1]}`,
    )
    expect(connections).toEqual(
      expect.arrayContaining([
        `dht:SDA esp:${pin(/Dht22 dht22\((\d+)\)/)}`,
        `esp:${pin(/kLedPin = (\d+)/)} series:1`,
        `relay:IN esp:${pin(/GPIO_NUM_(\d+)/)}`,
        'esp:TX $serialMonitor:RX',
        'esp:RX $serialMonitor:TX',
      ]),
    )
  })

  test('runs what env:wokwi builds', async () => {
    const toml = await read('wokwi.toml')
    expect(toml).toMatch(/^\[wokwi\]$/m)
    expect(toml).toMatch(/^version = 1$/m)
    expect(toml).toMatch(/^firmware = '\.pio\/build\/wokwi\/firmware\.factory\.bin'$/m)
    expect(toml).toMatch(/^elf = '\.pio\/build\/wokwi\/firmware\.elf'$/m)
  })
})
