import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { decodeTelemetry } from '../../src/contract/decode.ts'
import { temporaryData, until, up } from '../espalier.ts'
import { compilerThere } from '../firmware/build.ts'
import { strict } from '../firmware/targets.ts'

/** The smallest nodes, as people paste them: the sketch compiled and run with a network of ours around it, the script under Python and under
 *  MicroPython against the real broker. */
const run = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')

test('the Arduino sketch has ten lines', async () => {
  const sketch = await readFile(join(root, 'examples/arduino-sketch/arduino-sketch.ino'), 'utf8')
  expect(sketch.trimEnd().split('\n')).toHaveLength(10)
})

test.skipIf(!compilerThere)('the Arduino sketch compiles, sends what the contract takes, and comes back', async () => {
  const { dir, remove } = await temporaryData()
  try {
    const program = join(dir, 'sketch')
    const flags = [...strict, '-g', '-fsanitize=address,undefined', `-I${root}/firmware/test/stubs`]
    await run('g++', [...flags, join(root, 'firmware/test/sketch.cpp'), '-o', program])
    const sent = (await run(program)).stdout.trim().split('\n')
    // Two seconds without a broker, and one try a second: eight of ten.
    expect(sent).toHaveLength(8)
    for (const line of sent) {
      const [topic, payload] = [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]
      expect(topic).toBe('iot/node/01/telemetry')
      const decoded = decodeTelemetry(Buffer.from(payload), { topicNode: '01', now: 1_764_000_000_000, clockSuspect: false })
      expect(decoded).toMatchObject({ ok: true })
      expect(payload).toMatch(/^\{"node_id":"node_01","sensors":\{"light":34\d\d\}\}$/)
    }
  } finally {
    await remove()
  }
})

const interpreters = [
  { name: 'Python', command: 'python3' },
  { name: 'MicroPython (scripts/install-test-services)', command: join(cache, 'micropython/bin/micropython') },
]

describe.each(interpreters)('the MicroPython script under $name', ({ command }) => {
  test.skipIf(command.includes('/') && !existsSync(command))('is a node whose readings are stored', async () => {
    const data = await temporaryData()
    const house = await up(data.dir)
    const path = join(root, 'test/examples/micropython')
    const script = spawn(command, [join(root, 'examples/micropython/main.py')], {
      env: {
        ...process.env,
        PYTHONPATH: path,
        MICROPYPATH: `${path}:.frozen`,
        BROKER_PORT: String(house.run.mqtt!.port),
        PYTHONDONTWRITEBYTECODE: '1',
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    script.stderr.setEncoding('utf8').on('data', text => (said += text))
    try {
      const node = await until('three readings of 01', async () => {
        expect(said).toBe('')
        return (await house.cli('nodes', '--json'))
          .json()
          .find((n: { id: string; stored: number }) => n.id === '01' && n.stored >= 3)
      })
      expect(node).toMatchObject({ state: 'online', rejected: 0 })
      expect(node.last.light).toBeGreaterThan(30_000)
    } finally {
      script.kill('SIGKILL')
      await house.stop()
      await data.remove()
    }
  })
})
