import { execFile } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openSerialPort } from '../../src/cli/serial/port.ts'
import { flashPlaces } from '../../src/site/flash/credentials.ts'
import { cli, mainFile, nodeBinary, until } from '../espalier.ts'
import { type LanHouse, lanHouse } from '../lan/house.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'
import { partitionTableBytes } from './partition-table.ts'

/** A board on a cable: the real node process at one end of a pseudo-terminal, `espalier node provision` and `flash` at the other. */
const wifiMarker = 'marker-of-the-wifi'

async function board(name = 'board') {
  const files = await nodeHouse()
  const port = files.file(`${name}.tty`)
  const flags = ['--state', files.file(name), '--serial', port, '--interval', '1', '--exec-log', files.file('exec.log')]
  return { files, port, start: () => files.start(...flags), state: files.file(name) }
}

/** What the board has in its credential store, all of it. */
async function credentialsOf(state: string): Promise<any> {
  const copies = (await readdir(join(state, 'flash'))).filter(name => name === 'creds.a' || name === 'creds.b')
  const newest = (await Promise.all(copies.map(name => readFile(join(state, 'flash', name))))).sort(
    (a, b) => b.readUInt32LE(4) - a.readUInt32LE(4),
  )[0]!
  return JSON.parse(newest.subarray(16).toString())
}

const stored = (house: LanHouse, id: string, more: number) =>
  until(`readings of ${id}`, async () => {
    const { body } = await house.api(`/api/nodes/${id}`)
    return body.stored > more ? (body.stored as number) : undefined
  })

describe.skipIf(!hostToolsThere)('a board on a cable (needs g++, cmake, libssl-dev)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  test('is provisioned, measures, and knows it all after its power was gone', async () => {
    const [house, { port, start, state }] = await Promise.all([lanHouse(), board()])
    const first = await start()
    const result = await cli(['node', 'provision', '01', '--port', port, '--wifi-ssid', 'garden', '--json'], {
      data: house.data,
      env: { ESPALIER_WIFI_PASSWORD: wifiMarker },
    })
    expect(result).toMatchObject({ code: 0 })
    expect(result.json()).toMatchObject({ id: '01', state: 'running', board: 'host' })
    await stored(house, '01', 1)

    const kept = await credentialsOf(state)
    expect(kept).toMatchObject({ id: '01', wifi: { ssid: 'garden', password: wifiMarker } })
    expect(kept.broker.url).toMatch(/^mqtts:/)
    expect(kept.update_key).toBe((await house.api('/api/firmware/key')).body.public_key)
    const said = [result.stdout, result.stderr, first.err(), house.stderr()].join('\n')
    expect(said).not.toContain(wifiMarker)
    expect(said).not.toContain(kept.broker.password)

    await first.stop('SIGKILL')
    const before = (await house.api('/api/nodes/01')).body.stored
    await start()
    await stored(house, '01', before)
  })

  test('that has a credential gets another only when that is meant, and the old one ends with its use', async () => {
    const [house, { port, start, state }] = await Promise.all([lanHouse(), board()])
    await start()
    const provision = (...more: string[]) => house.cli('node', 'provision', '01', '--port', port, ...more)
    expect((await provision()).code).toBe(0)
    const old = await credentialsOf(state)
    expect(await provision()).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') })
    expect((await credentialsOf(state)).broker.password).toBe(old.broker.password)
    expect((await provision('--yes')).code).toBe(0)
    expect((await credentialsOf(state)).broker.password).not.toBe(old.broker.password)
    const [identity] = (await house.api('/api/identities')).body.items
    expect(identity).toMatchObject({ id: '01', grace_until: null, connected: true })
  })

  test('is asked for in words when it is not there, or no board of ours', async () => {
    const house = await lanHouse()
    const provision = (...args: string[]) => house.cli('node', 'provision', '01', ...args)
    expect(await provision('--port', join(house.data, 'nothing'))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is none'),
    })
    expect(await provision('--port', '/dev/null')).toMatchObject({ code: 2, stderr: expect.stringContaining('no serial port') })
    expect(await provision('--port', '/dev/null', '--wifi-ssid', 'garden')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ESPALIER_WIFI_PASSWORD'),
    })
    expect((await house.api('/api/identities')).body.items).toEqual([])
  })

  test('answers every line, says no secret, and speaks Improv on the same port', async () => {
    const { port, start } = await board()
    await start()
    const serial = await openSerialPort(port)
    onTestFinished(() => serial.close())
    let heard = ''
    serial.onText(text => (heard += text))
    const ask = async (line: string | Uint8Array, wanted: RegExp): Promise<string> => {
      heard = ''
      await serial.write(line)
      return until(`an answer to ${line}`, async () => wanted.exec(heard)?.[0])
    }
    expect(await ask('{"status":true}\n', /\{"ok":true.*\n/)).toContain('"state":"waiting"')
    expect(await ask('{"provision":{"id":"01","broker":{"password":"marker","url":"http://x"}}}\n', /\{"ok".*\n/)).toContain(
      'bad_broker',
    )
    expect(await ask('{"provision":{"id":"01","marker":1}}\n', /\{"ok".*\n/)).toContain('unknown_key')
    expect(await ask('{"provision":"marker"\n', /\{"ok".*\n/)).toContain('bad_json')
    expect(heard).not.toContain('marker')
    // Device info: RPC 3 without payload.
    const frame = Buffer.from([...Buffer.from('IMPROV'), 1, 3, 2, 3, 0])
    const sum = frame.reduce((total, byte) => total + byte, 0) & 255
    expect(await ask(Buffer.from([...frame, sum]), /IMPROV\x01\x04.*host/s)).toContain('espalier')
    expect(await ask('{"factory_reset":true}\n', /\{"ok":true\}\n/)).toBe('{"ok":true}\n')
  })

  test('is flashed by esptool with an image of its settings that the firmware reads; nothing secret is left behind', async () => {
    const [house, files] = await Promise.all([lanHouse(), nodeHouse()])
    const images = files.file('images')
    const tools = files.file('bin')
    await mkdir(images)
    await mkdir(tools)
    await mkdir(files.file('tmp'))
    const image = Buffer.alloc(64)
    image[0] = 0xe9
    await writeFile(join(images, 'bootloader.bin'), image)
    await writeFile(join(images, 'firmware.bin'), image)
    await writeFile(join(images, 'partitions.bin'), partitionTableBytes())
    // Stands in for esptool: notes what it was told, and keeps the files.
    await writeFile(
      join(tools, 'esptool'),
      `#!/bin/sh\necho "$@" > ${files.file('argv')}\nwhile [ $# -gt 1 ]; do case "$1" in 0x*) cp -p "$2" ${files.file('written')}-$1;; esac; shift; done\n`,
    )
    await chmod(join(tools, 'esptool'), 0o755)
    const waiting = await files.start('--state', files.file('blank'), '--serial', files.file('tty'))
    const result = await cli(
      ['node', 'flash', '07', '--port', files.file('tty'), '--wifi-ssid', 'garden', '--images', images, '--timeout', '0'],
      {
        data: house.data,
        env: {
          PATH: `${tools}:${process.env.PATH}`,
          TMPDIR: files.file('tmp'),
          ESPALIER_WIFI_PASSWORD_FILE: await files.write('wifi', `${wifiMarker}\n`),
        },
      },
    )
    await waiting.stop()
    // What stands in for the board never heard of its new settings.
    expect(result).toMatchObject({ code: 4, stderr: expect.stringContaining('not connected yet (waiting)') })
    const argv = await readFile(files.file('argv'), 'utf8')
    expect(argv).toMatch(
      /--chip esp32 --port \S+ --baud 460800 write_flash 0x1000 \S+ 0x8000 \S+ 0xe000 \S+ 0x10000 \S+ 0x390000 \S+/,
    )
    expect(await readdir(files.file('tmp'))).toEqual([])
    expect((await stat(files.file('written-0x390000'))).mode & 0o777).toBe(0o600)
    const credentials = await readFile(files.file('written-0x390000'))
    expect(credentials).toHaveLength(flashPlaces.credentialsBytes)
    expect((await readFile(files.file('written-0xe000'))).subarray(28, 32).toString('hex')).toBe('9a984347')

    const blob = await blobOf(credentials)
    const { broker } = JSON.parse(blob.subarray(16).toString())
    for (const text of [argv, result.stdout, result.stderr, house.stderr()]) {
      expect(text).not.toContain(wifiMarker)
      expect(text).not.toContain(broker.password)
    }
    await mkdir(files.file('flashed/flash'), { recursive: true })
    await writeFile(files.file('flashed/flash/creds.a'), blob)
    await files.start('--state', files.file('flashed'), '--interval', '1')
    await stored(house, '07', 0)
  })

  test('is not flashed with another chip, another table, or without tools', async () => {
    const [house, files] = await Promise.all([lanHouse(), nodeHouse()])
    const images = files.file('images')
    await mkdir(images)
    await mkdir(files.file('bin'))
    await writeFile(files.file('bin/esptool'), '#!/bin/sh\nexit 1\n')
    await chmod(files.file('bin/esptool'), 0o755)
    const flash = (path: string) =>
      promisify(execFile)(
        nodeBinary,
        [mainFile, 'node', 'flash', '07', '--port', '/dev/null', '--wifi-ssid', 'g', '--images', images, '--data', house.data],
        { env: { PATH: path, ESPALIER_WIFI_PASSWORD: wifiMarker, HOME: files.dir } },
      ).then(
        () => '',
        error => `${error.code} ${error.stderr}`,
      )
    const fine = Buffer.alloc(64)
    fine[0] = 0xe9
    const s3 = Buffer.from(fine)
    s3[12] = 9
    const write = async (bootloader: Buffer, table: Buffer) => {
      await writeFile(join(images, 'bootloader.bin'), bootloader)
      await writeFile(join(images, 'firmware.bin'), fine)
      await writeFile(join(images, 'partitions.bin'), table)
    }
    expect(await flash('/nowhere')).toMatch(/^2 error no_tool: .*pipx install esptool/s)
    await write(s3, partitionTableBytes())
    expect(await flash(files.file('bin'))).toMatch(/^2 error bad_image: bootloader.bin is for another chip/)
    await write(fine, partitionTableBytes(0x310000))
    expect(await flash(files.file('bin'))).toMatch(/^2 error bad_image: partitions.bin has creds at 0x310000/)
    expect((await house.api('/api/identities')).body.items).toEqual([])
    await write(fine, partitionTableBytes())
    expect(await flash(files.file('bin'))).toMatch(/^3 error tool_failed/)
  })
})

/** The one blob of an NVS image, read by itself: behind the namespace a chunk's head and its data. */
async function blobOf(image: Buffer): Promise<Buffer> {
  expect(image[64 + 32 + 1]).toBe(0x42)
  expect(image.toString('latin1', 64 + 32 + 8, 64 + 32 + 15)).toBe('creds.a')
  const size = image.readUInt16LE(64 + 32 + 24)
  return image.subarray(64 + 64, 64 + 64 + size)
}
