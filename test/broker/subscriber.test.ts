import { readFile } from 'node:fs/promises'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { BrokerHandlers, BrokerNotice, Incoming } from '../../src/broker/broker.ts'
import { type MosquittoBroker, type MosquittoOptions, openMosquittoBroker } from '../../src/broker/mosquitto/mosquitto.ts'
import { brokerSuite } from '../../src/broker/suite.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { seeded } from '../../src/kit/random.ts'
import { freePort, hasMosquitto, startMosquitto } from './mosquitto.ts'
import { endSite, managerPassword, nodePassword, startSite } from './site.ts'

/** The subscriber of somebody else's broker, held to the port by the suite of all brokers; the broker is Debian's mosquitto. */
const anonymous = { user: null, password: null, ca: null, cert: null, key: null }

function subscriber(port: number, handlers: Partial<BrokerHandlers>, options: Partial<MosquittoOptions> = {}) {
  let broker!: MosquittoBroker
  const up = new Promise<void>(resolve => {
    broker = openMosquittoBroker(
      {
        host: '127.0.0.1',
        port,
        tls: false,
        credentials: async () => anonymous,
        clientId: '_manager',
        clock: systemClock,
        random: seeded(1),
        onUp: resolve,
        ...options,
      },
      {
        accept: async () => undefined,
        oversize: () => undefined,
        reachability: () => undefined,
        authenticate: async () => null,
        ...handlers,
      },
    )
  })
  onTestFinished(() => broker.close())
  return Object.assign(
    up.then(() => broker),
    { broker },
  )
}

async function client(options: IClientOptions): Promise<MqttClient> {
  const connected = await connectAsync({ host: '127.0.0.1', reconnectPeriod: 0, ...options })
  connected.on('error', () => undefined)
  onTestFinished(() => connected.endAsync(true))
  return connected
}

async function site(...users: string[]) {
  const started = await startSite(users)
  onTestFinished(() => endSite(started))
  return started
}

const text = ({ payload }: Incoming): string => Buffer.from(payload).toString()

if (hasMosquitto)
  brokerSuite('behind mosquitto', {
    open: async handlers => {
      const mosquitto = await startMosquitto()
      onTestFinished(() => mosquitto.stop())
      const broker = await subscriber(mosquitto.port, handlers)
      return { broker, client: { host: '127.0.0.1', port: mosquitto.port } }
    },
  })
else test.skip('behind mosquitto: it is not installed', () => undefined)

describe.skipIf(!hasMosquitto)('behind mosquitto', () => {
  const collecting = () => {
    const accepted: Incoming[] = []
    return { accepted, accept: async (group: readonly Incoming[]) => void accepted.push(...group) }
  }

  test('a packet over the limit becomes a notice, is acknowledged and does not come again', async () => {
    const { port } = await startedAlone()
    const { accepted, accept } = collecting()
    const large: unknown[] = []
    const oversize = (notice: unknown): void => void large.push(notice)
    const broker = await subscriber(port, { accept, oversize })
    const node = await client({ port, clientId: '01' })
    await node.publishAsync('iot/node/01/telemetry', Buffer.alloc(200_000, 'x'), { qos: 1 })
    await node.publishAsync('iot/node/01/telemetry', 'next', { qos: 1 })
    await expect.poll(() => accepted.map(text)).toEqual(['next'])
    expect(large).toEqual([{ client: '01', user: '01', size: 200_029, arrived: expect.any(Number) }])
    await broker.close()
    await subscriber(port, { accept, oversize })
    await node.publishAsync('iot/node/01/telemetry', 'later', { qos: 1 })
    await expect.poll(() => accepted.map(text)).toEqual(['next', 'later'])
    expect(large).toHaveLength(1)
  })

  test('retained messages come as replays, log lines as notices, and an empty status is one that clears', async () => {
    const { port } = await startedAlone()
    const { accepted, accept } = collecting()
    const node = await client({ port, clientId: '01' })
    await node.publishAsync('iot/node/01/status', 'kept', { qos: 1, retain: true })
    const notices: BrokerNotice[] = []
    await subscriber(port, { accept }, { onNotice: notice => notices.push(notice) })
    await expect.poll(() => accepted.map(({ replay }) => replay)).toEqual([true])
    await node.publishAsync('iot/node/01/status', 'live', { qos: 1, retain: true })
    await node.publishAsync('iot/node/01/log', 'hello', { qos: 1 })
    await node.publishAsync('iot/node/01/status', '', { qos: 1, retain: true })
    await expect
      .poll(() => accepted.map(one => `${text(one)} ${one.replay} ${one.retain}`))
      .toEqual(['kept true false', 'live false false', ' false true'])
    expect(notices).toMatchObject([{ kind: 'log', node: '01', payload: Buffer.from('hello') }])
  })

  test('what is published while nobody listens waits in the session, in order', async () => {
    const { port } = await startedAlone()
    const { accepted, accept } = collecting()
    const first = await subscriber(port, { accept })
    await first.close()
    const node = await client({ port, clientId: '01' })
    for (let i = 0; i < 50; i++) await node.publishAsync('iot/node/01/telemetry', `${i}`, { qos: 1 })
    await subscriber(port, { accept })
    await expect.poll(() => accepted.map(text)).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`))
  })

  test('while nothing can be made durable it holds a bounded number, and takes the rest when it can', async () => {
    const { port } = await startedAlone(['max_queued_messages 100000', 'max_inflight_messages 1000'])
    const accepted: Incoming[] = []
    let release!: () => void
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    let handed = 0
    const accept = async (group: readonly Incoming[]): Promise<void> => {
      handed += group.length
      await held
      accepted.push(...group)
    }
    const broker = await subscriber(port, { accept }, { limits: { waitingMessages: 100 } })
    const node = await client({ port, clientId: '01' })
    const padding = 'x'.repeat(1_000)
    await Promise.all(
      Array.from({ length: 5_000 }, (_, i) => node.publishAsync('iot/node/01/telemetry', `${i} ${padding}`, { qos: 1 })),
    )
    expect(handed).toBeLessThan(1_000)
    expect(broker.health().up).toBe(true)
    release()
    await expect.poll(() => accepted.length, { timeout: 10_000 }).toBe(5_000)
    expect(accepted.map(one => Number.parseInt(text(one), 10))).toEqual(Array.from({ length: 5_000 }, (_, i) => i))
  })

  test('the status it left is taken back by its will when it is gone without a word', async () => {
    const { port, stop } = await startedAlone()
    const { broker } = subscriber(port, {})
    await expect.poll(() => broker.health().up).toBe(true)
    await broker.publish({ topic: 'iot/broker/status', payload: Buffer.from('here'), qos: 1, retain: true })
    // Another one under its client id: it is lost as by a bad line.
    const thief = await client({ port, clientId: '_manager', clean: true })
    const statuses: string[] = []
    const watcher = await client({ port })
    watcher.on('message', (_, payload) => statuses.push(payload.toString()))
    await watcher.subscribeAsync('iot/broker/status', { qos: 1 })
    await expect.poll(() => statuses.at(-1)).toBe('{"online":false,"receipts":true}')
    await thief.endAsync(true)
    await expect.poll(() => broker.health().up, { timeout: 8_000 }).toBe(true)
    expect(broker.sessionsLost()).toBe(1)
    await stop()
    await expect.poll(() => broker.health()).toMatchObject({ up: false, detail: expect.stringContaining('not connected') })
    expect(broker.reachable('01')).toBe(false)
  })

  test('it cuts a node off as a bad line would: will and all; where client ids follow users it can not, and says so', async () => {
    const { port } = await startedAlone()
    const { accepted, accept } = collecting()
    const broker = await subscriber(port, { accept })
    const will = { topic: 'iot/node/01/status', payload: Buffer.from('gone'), qos: 1 as const, retain: true }
    await client({ port, clientId: '01', will })
    expect(await broker.cut('01')).toBe(true)
    await expect.poll(() => accepted.map(text)).toEqual(['gone'])

    const { tls, ca } = await site()
    const credentials = { user: '_manager', password: managerPassword, ca: await readFile(ca, 'utf8'), cert: null, key: null }
    const bound = await subscriber(tls, {}, { host: 'localhost', tls: true, credentials: async () => credentials })
    expect(await bound.cut('01')).toBe(false)
    await expect.poll(() => bound.health().up, { timeout: 8_000 }).toBe(true)
  })

  test('it tells what the broker says of itself, and null where it says nothing', async () => {
    const { port } = await startedAlone(['sys_interval 1'])
    const broker = await subscriber(port, {})
    await expect
      .poll(() => broker.health(), { timeout: 5_000 })
      .toMatchObject({
        version: expect.stringMatching(/^\d+\.\d+/),
        clients: 1,
        retained: expect.any(Number),
        queued: null,
        inflight: null,
      })
  })

  test('as _manager over TLS, with the wire contract as ACL: nodes speak for themselves alone and hear their commands', async () => {
    const { tls, ca } = await site('01', '02')
    const { accepted, accept } = collecting()
    const pem = await readFile(ca, 'utf8')
    const credentials = { user: '_manager', password: managerPassword, ca: pem, cert: null, key: null }
    const options = { host: 'localhost', tls: true, credentials: async () => credentials }
    const broker = await subscriber(tls, { accept }, options)
    const node = await client({
      host: 'localhost',
      protocol: 'mqtts',
      port: tls,
      ca: pem,
      clientId: 'whatever',
      username: '01',
      password: nodePassword('01'),
    })
    const heard: string[] = []
    node.on('message', topic => heard.push(topic))
    await node.subscribeAsync(['iot/node/01/command', 'iot/node/02/command', 'iot/broker/status'], { qos: 1 })
    await node.publishAsync('iot/node/02/telemetry', 'forged', { qos: 1 })
    await node.publishAsync('iot/node/01/telemetry', 'own', { qos: 1 })
    await expect.poll(() => accepted.map(text)).toEqual(['own'])
    const evidence: string[] = []
    await broker.sendCommand('02', Buffer.from('{}'), kind => evidence.push(kind))
    await broker.sendCommand('01', Buffer.from('{}'), kind => evidence.push(kind))
    await expect.poll(() => heard).toEqual(['iot/node/01/command'])
    expect(evidence).toEqual(['puback', 'puback'])
  })

  test('by a client certificate on the listener for them', async () => {
    const { certs, ca, certificate } = await site()
    const files = await certificate('_manager')
    const [pem, cert, key] = await Promise.all([ca, files.cert, files.key].map(file => readFile(file, 'utf8')))
    const credentials = { user: null, password: null, ca: pem!, cert: cert!, key: key! }
    const broker = await subscriber(certs, {}, { host: 'localhost', tls: true, credentials: async () => credentials })
    expect(broker.health().up).toBe(true)
  })

  test('a wrong password, a certificate of another CA, nobody there: health says which', async () => {
    const { plain, tls } = await site()
    const wrong = { user: '_manager', password: 'wrong', ca: null, cert: null, key: null }
    const trouble: string[] = []
    const onTrouble = (sentence: string): void => void trouble.push(sentence)
    subscriber(plain, {}, { credentials: async () => wrong, onTrouble })
    subscriber(tls, {}, { host: 'localhost', tls: true, credentials: async () => wrong, onTrouble })
    subscriber(await freePort(), {}, { onTrouble })
    await expect.poll(() => trouble.length).toBe(3)
    for (const what of ['user name or password|not let this user in', 'certificate', 'ECONNREFUSED'])
      expect(trouble.filter(one => new RegExp(what).test(one))).toHaveLength(1)
  })
})

async function startedAlone(settings: readonly string[] = []) {
  const mosquitto = await startMosquitto(settings)
  onTestFinished(() => mosquitto.stop())
  return mosquitto
}
