import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { arduinoSketch } from '../../src/api/sketch/arduino.ts'
import type { Board } from '../../src/api/sketch/board.ts'
import { decodeStatus, decodeTelemetry } from '../../src/contract/decode.ts'

/** The Arduino sketch, compiled against stubs of the headers it uses (`arduino/`) and run: what a real board would publish. */
const run = promisify(execFile)
const stubs = fileURLToPath(new URL('arduino', import.meta.url))
const compiler = ['g++', 'clang++'].find(name => spawnSync(name, ['--version']).status === 0)
const utf8 = new TextEncoder()
const pem = (what: string) => `-----BEGIN ${what}-----\nMIIB"\\\n-----END ${what}-----\n`

const board: Board = {
  id: 'greenhouse',
  name: null,
  host: '192.168.1.5',
  port: 8883,
  ca: pem('CERTIFICATE'),
  proof: { kind: 'password', username: 'greenhouse', password: 'q7w8e9' },
}

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'espalier-sketch-'))
})
afterAll(() => rm(dir, { recursive: true, force: true }))

/** Compiles it with all warnings as errors, and answers with what it printed. */
async function ran(sketch: string): Promise<string[]> {
  const file = join(dir, 'sketch.ino')
  const program = join(dir, 'sketch')
  await writeFile(file, sketch)
  const flags = ['-std=gnu++17', '-Wall', '-Wextra', '-Werror', '-I', stubs, `-DSKETCH="${file}"`]
  await run(compiler!, [...flags, join(stubs, 'run.cpp'), '-o', program])
  const { stdout } = await run(program)
  return stdout.trim().split('\n')
}

const publishes = (lines: string[], topic: string) =>
  lines.flatMap(line => {
    const [, retained, to, payload] = /^publish (\d) (\S+) (.*)$/.exec(line) ?? []
    return to === topic ? [{ retained: retained === '1', payload: payload! }] : []
  })

describe.skipIf(!compiler)('the sketch', () => {
  test('compiles, and what it publishes is stored by our decoder', async () => {
    const lines = await ran(arduinoSketch(board))
    expect(lines[0]).toBe('server 192.168.1.5 8883')
    const readings = publishes(lines, 'iot/node/greenhouse/telemetry')
    expect(readings).toHaveLength(3)
    for (const { payload, retained } of readings) {
      expect(retained).toBe(false)
      const decoded = decodeTelemetry(utf8.encode(payload), { topicNode: 'greenhouse', now: Date.now(), clockSuspect: false })
      expect(decoded).toMatchObject({ ok: true, rejects: [], ignoredKeys: 0 })
      expect(decoded.ok && decoded.readings[0]!.names).toEqual(['chip_temperature', 'wifi_rssi', 'uptime'])
    }
    const [birth] = publishes(lines, 'iot/node/greenhouse/status')
    expect(birth!.retained).toBe(true)
    expect(decodeStatus(utf8.encode(birth!.payload), { topicNode: 'greenhouse', retained: true })).toMatchObject({
      ok: true,
      status: { online: true, interval: 10, board: 'esp32' },
    })
  })

  test('it waits longer after each failure, and leaves a last will', async () => {
    const lines = await ran(arduinoSketch(board))
    const tries = lines.filter(line => line.startsWith('connect')).map(line => Number(line.split(' ')[1]))
    expect(tries).toHaveLength(3)
    expect(tries[2]! - tries[1]!).toBeGreaterThan(tries[1]! - tries[0]!)
    expect(lines).toContain('will 1 1 iot/node/greenhouse/status {"node_id":"node_greenhouse","online":false}')
    expect(lines.find(line => line.startsWith('connect'))).toMatch(/greenhouse greenhouse q7w8e9$/)
  })

  test('with a certificate, and without TLS', async () => {
    const certificate = { kind: 'certificate', cert: pem('CERTIFICATE'), key: pem('PRIVATE KEY') } as const
    const certified = arduinoSketch({ ...board, proof: certificate })
    expect(certified).toContain('setCertificate(ownCertificate)')
    expect((await ran(certified)).find(line => line.startsWith('connect'))).toMatch(/greenhouse - -$/)
    const plain = arduinoSketch({ ...board, ca: null, port: 1883 })
    expect(plain).not.toMatch(/Secure|CERTIFICATE/)
    expect(publishes(await ran(plain), 'iot/node/greenhouse/telemetry')).toHaveLength(3)
  })
})

test('what has to be filled in stands at the top, marked', () => {
  const sketch = arduinoSketch(board)
  const fillIn = sketch.indexOf('---- fill in ----')
  for (const part of ['YOUR-WIFI-NAME', 'YOUR-WIFI-PASSWORD', 'const Sensor sensors[]'])
    expect(sketch.indexOf(part)).toBeGreaterThan(fillIn)
  expect(sketch.indexOf('nothing needs a change')).toBeLessThan(sketch.indexOf('q7w8e9'))
})
