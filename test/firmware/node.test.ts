import { spawn } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { connectAsync } from 'mqtt'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { freePort, hasMosquitto } from '../broker/mosquitto.ts'
import { until } from '../espalier.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** espalier-node at Debian's mosquitto: the real node process against a broker that is not ours, without a manager. */

interface Heard {
  readonly topic: string
  readonly body: any
  readonly retain: boolean
}

/** mosquitto on a port it comes back to, and an ear on everything. */
async function broker() {
  const port = await freePort()
  let server: ReturnType<typeof spawn> | null = null
  const start = async () => {
    server = spawn('mosquitto', ['-p', String(port)], { stdio: 'ignore' })
    await until('mosquitto', async () => {
      const ear = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0, connectTimeout: 1_000 }).catch(
        () => undefined,
      )
      await ear?.endAsync()
      return ear
    })
  }
  const kill = async () => {
    const gone = new Promise(done => server!.once('exit', done))
    server!.kill('SIGKILL')
    await gone
  }
  await start()
  const heard: Heard[] = []
  const ear = await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 50 })
  ear.on('message', (topic, payload, packet) =>
    heard.push({ topic, body: JSON.parse(payload.toString() || 'null'), retain: packet.retain }),
  )
  await ear.subscribeAsync('iot/#', { qos: 1 })
  onTestFinished(async () => {
    await ear.endAsync(true)
    await kill()
  })
  return {
    url: `mqtt://127.0.0.1:${port}`,
    heard,
    kill,
    start,
    say: (topic: string, body: object, retain = false) => ear.publishAsync(topic, JSON.stringify(body), { qos: 1, retain }),
    hear: (what: string, fits: (message: Heard) => boolean) => until(what, async () => heard.find(fits)),
  }
}

const status = (id: string, online: boolean) => (m: Heard) => m.topic === `iot/node/${id}/status` && m.body?.online === online
const ack = (command: string, state: string) => (m: Heard) =>
  m.topic.endsWith('/ack') && m.body.id === command && m.body.state === state
const reading = (m: Heard) => m.topic.endsWith('/telemetry')

describe.skipIf(!hostToolsThere || !hasMosquitto)('a node at mosquitto (needs g++, cmake, libssl-dev, mosquitto)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  test('its birth says what it is, readings follow, a goodbye ends it', async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    const node = await house.node('n1', there.url, '--interval', '0.5')
    const birth = await there.hear('a birth', status('n1', true))
    expect(birth.body).toMatchObject({ node_id: 'node_n1', boot: node.ready.boot, interval: 0.5, keep: 'puback', config_rev: 0 })
    expect(birth.body.firmware).toEqual({ version: node.ready.version, slot: 'app0', confirmed: true })
    expect(birth.body.outputs).toEqual([{ name: 'relay' }, { name: 'pump' }])
    const first = await there.hear('a reading', reading)
    expect(there.heard.indexOf(birth)).toBeLessThan(there.heard.indexOf(first))
    expect(await node.stop()).toBe(0)
    const goodbye = await there.hear('a goodbye', status('n1', false))
    expect(goodbye.body).toEqual({ node_id: 'node_n1', online: false, boot: node.ready.boot })
  })

  test('kill -9: the broker speaks its last will', async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    const node = await house.node('n1', there.url)
    await there.hear('a birth', status('n1', true))
    await node.stop('SIGKILL')
    expect((await there.hear('the will', status('n1', false))).body).toEqual({
      node_id: 'node_n1',
      online: false,
      boot: node.ready.boot,
    })
  })

  test('a broker that goes and comes back: born again, and no reading is missing', async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    const node = await house.node('n1', there.url, '--interval', '0.2')
    await there.hear('a reading', reading)
    await there.kill()
    await until('it noticed', async () => (node.err().includes('the broker is gone') ? true : undefined))
    await until('it tries', async () => (node.err().split('was not reached').length > 2 ? true : undefined))
    await there.start()
    const born = () => there.heard.filter(status('n1', true)).length
    await until('born again', async () => (born() > 1 ? true : undefined))
    const seqs = () =>
      there.heard.filter(reading).flatMap(m => (m.body.readings ?? [m.body]).map((_: unknown, i: number) => m.body.seq + i))
    const highest = Math.max(...seqs()) + 5
    await until('all readings', async () => {
      const all = new Set(seqs())
      return all.has(highest) && Array.from({ length: highest }, (_, seq) => seq).every(seq => all.has(seq)) ? true : undefined
    })
  })

  test('commands: executed once, answered, and a reboot under the same process id', async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    await there.say('iot/node/n1/command', { id: 'c4', command: 'ping' }, true)
    const node = await house.node('n1', there.url, '--exec-log', house.file('exec.log'))
    await there.hear('a birth', status('n1', true))
    const command = (body: object) => there.say('iot/node/n1/command', body)
    await command({ id: 'c1', command: 'set_output', params: { name: 'relay', value: 1 } })
    expect((await there.hear('done', ack('c1', 'done'))).body.result).toEqual({ name: 'relay', value: 1 })
    await command({ id: 'c1', command: 'set_output', params: { name: 'relay', value: 1 } })
    await until('the same answer', async () => (there.heard.filter(ack('c1', 'done')).length === 2 ? true : undefined))
    await command({ id: 'c2', command: 'read_now' })
    expect((await there.hear('a reading', ack('c2', 'done'))).body.result.sensors).toHaveProperty('temperature')
    await command({ id: 'c3', command: 'dance' })
    expect((await there.hear('rejected', ack('c3', 'rejected'))).body.error.code).toBe('unknown_command')
    await command({ id: 'c5', command: 'reboot' })
    await there.hear('accepted', ack('c5', 'accepted'))
    const goodbye = await there.hear('a goodbye', status('n1', false))
    expect(goodbye.body.reason).toBe('reboot')
    await there.hear('done after the new birth', ack('c5', 'done'))
    const second = await until('a second boot', async () => node.boots[1])
    expect(second.pid).toBe(node.ready.pid)
    expect(second.boot).not.toBe(node.ready.boot)
    expect((await house.lines('exec.log')).map(line => line.id)).toEqual(['c1', 'c2', 'c5'])
  })

  test('receipts: what it heard once it keeps over a reboot, and a retained status teaches no time', async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    await there.say('iot/broker/status', { online: true, receipts: true, timestamp: 1_700_000_000 }, true)
    const node = await house.node('n1', there.url, '--no-sntp', '--interval', '0.2')
    const birth = await there.hear('a birth', m => status('n1', true)(m) && m.body.keep === 'receipt')
    expect(birth.body).not.toHaveProperty('timestamp')
    expect(there.heard.filter(reading)).toEqual([])
    await there.say('iot/broker/status', { online: true, timestamp: 1_800_000_000 })
    const first = await there.hear('a reading', reading)
    const { timestamp } = (first.body.readings ?? [first.body])[0]
    expect(Math.abs(timestamp - 1_800_000_000)).toBeLessThan(60)
    await node.stop('SIGKILL')
    await there.say('iot/broker/status', { online: true }, true)
    const again = await house.node('n1', there.url, '--no-sntp')
    const second = await there.hear('a second birth', m => status('n1', true)(m) && m.body.boot === again.ready.boot)
    expect(second.body.keep).toBe('receipt')
  })

  test('new settings that lead nowhere: back to the old ones, and it says so', async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    // A minute of the trial is three seconds.
    await house.node('n1', there.url, '--clock-rate', '20')
    await there.hear('a birth', status('n1', true))
    const nowhere = `mqtt://127.0.0.1:${await freePort()}`
    const params = { rev: 7, network: { broker: { url: nowhere, user: '', password: '' } } }
    await there.say('iot/node/n1/command', { id: 'c1', command: 'configure', params })
    await there.hear('accepted', ack('c1', 'accepted'))
    const failed = await there.hear('failed', ack('c1', 'failed'))
    expect(failed.body.error).toMatchObject({ code: 'hardware', message: expect.stringContaining('not reached') })
    const last = there.heard.filter(status('n1', true)).at(-1)!
    expect(last.body.config_rev).toBe(0)
  })

  test('new settings that are good: the new broker hears the birth and the answer', async () => {
    const [house, there, other] = await Promise.all([nodeHouse(), broker(), broker()])
    const node = await house.node('n1', there.url)
    await there.hear('a birth', status('n1', true))
    const params = { rev: 7, interval: 5, network: { broker: { url: other.url } } }
    await there.say('iot/node/n1/command', { id: 'c1', command: 'configure', params })
    await there.hear('a goodbye', status('n1', false))
    await other.hear('a birth', status('n1', true))
    expect((await other.hear('done', ack('c1', 'done'))).body.result).toEqual({ rev: 7 })
    await other.hear('its configuration', m => status('n1', true)(m) && m.body.config_rev === 7 && m.body.interval === 5)
    await node.stop('SIGKILL')
    const again = await house.node('n1', there.url)
    await other.hear('it stays there', m => status('n1', true)(m) && m.body.boot === again.ready.boot)
  })
})

describe.skipIf(!hostToolsThere || !hasMosquitto)('a node whose power goes (needs g++, cmake, libssl-dev, mosquitto)', () => {
  const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
  const tears = ['old', 'half:ff', 'half:garbage', 'new']

  test('at any of its flash writes: it boots, is born again, and runs a command once', { timeout: 240_000 }, async () => {
    const [house, there] = await Promise.all([nodeHouse(), broker()])
    // Kept until receipts: readings go to flash without end, every five seconds, which are a tenth of one here.
    await there.say('iot/broker/status', { online: true, receipts: true }, true)
    for (let cut = 1; cut <= Math.min(8 * scale, 40); cut++) {
      const id = `n${cut}`
      const flags = ['--interval', '1', '--clock-rate', '50', '--exec-log', house.file(`${id}.log`)]
      const command = { id: `c${cut}`, command: 'set_output', params: { name: 'pump', value: 1 } }
      const fault = `flash-cut=${cut}:${tears[cut % tears.length]}`
      const torn = await house.node(id, there.url, ...flags, '--fault', fault).catch((error: Error) => error)
      if (torn instanceof Error) expect(torn.message).toContain('ended with 86')
      else {
        // Whether it lives to hear it hangs on where the cut is.
        const born = until('born', async () => there.heard.find(status(id, true)))
        await Promise.race([torn.gone, born])
        await there.say(`iot/node/${id}/command`, command)
        await there.say(`iot/node/${id}/command`, { id: `k${cut}`, command: 'configure', params: { rev: 1, interval: 2 } })
        expect(await torn.gone).toBe(86)
      }
      const whole = await house.node(id, there.url, ...flags)
      await there.hear('a birth', m => status(id, true)(m) && m.body.boot === whole.ready.boot)
      await there.say(`iot/node/${id}/command`, command)
      const end = await there.hear('an end', m => ack(`c${cut}`, 'done')(m) || ack(`c${cut}`, 'failed')(m))
      if (end.body.state === 'failed') expect(end.body.error.code).toBe('interrupted')
      expect((await house.lines(`${id}.log`)).filter(line => line.id === `c${cut}`)).toHaveLength(1)
      await whole.stop('SIGKILL')
    }
  })
})

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey.export({ type: 'spki', format: 'pem' }).toString()

describe.skipIf(!hostToolsThere)('espalier-node as a command (needs g++, cmake, libssl-dev)', () => {
  test.each([
    [['--nonsense'], '--nonsense: unknown. Allowed: --id'],
    [['--interval', '0'], '--interval: "0" will not do. Allowed: seconds between readings, 0.1 to 86400'],
    [['--fault', 'flash-cut=0'], '--fault: "flash-cut=0" will not do. Allowed: flash-cut=N'],
    [['--broker', 'mqtt://127.0.0.1'], '--broker: whose? Allowed: only with --id'],
    [['--id', 'n1', '--broker', 'mqtt://127.0.0.1', '--user', 'n1'], '--user: without a password'],
    [['--id', 'n1', '--broker', 'mqtts://127.0.0.1'], '--broker: mqtts:// without a CA to check it by'],
    [[], 'nobody can tell it who it is. Allowed: --id and --broker, or --serial PATH'],
    [['--interval', '0x10'], '--interval: "0x10" will not do'],
    [['--id', 'no id', '--broker', 'mqtt://127.0.0.1', '--state', '/proc/nowhere'], '--state: /proc/nowhere'],
  ])('%j: exit 2, and what is allowed', async (flags, says) => {
    const house = await nodeHouse()
    await expect(house.start(...(flags as string[]))).rejects.toThrow(/ended with 2/)
    await expect(house.start(...(flags as string[]))).rejects.toThrow(says as string)
  })

  test.each([
    ['no password', '--password-file', '\nsecret\n', 'has no password in its first line'],
    ['a key of another curve', '--pubkey', p384, 'P-256'],
    ['a file where the serial port should be', '--serial', 'somebody’s', '--serial: no pseudo-terminal, or the link can'],
  ])('%s: exit 2, and the file stays what it was', async (_, flag, content, says) => {
    const house = await nodeHouse()
    const file = await house.write('file', content)
    const flags = ['--id', 'n1', '--broker', 'mqtt://127.0.0.1', '--state', house.file('s'), flag, file]
    await expect(house.start(...flags)).rejects.toThrow(/ended with 2/)
    await expect(house.start(...flags)).rejects.toThrow(says)
    expect(await readFile(file, 'utf8')).toBe(content)
  })

  test('a second node in the same state is turned away', async () => {
    const house = await nodeHouse()
    const flags = ['--state', house.file('s'), '--serial', house.file('port')]
    await house.start(...flags)
    await expect(house.start(...flags)).rejects.toThrow('in use by another node')
  })
})
