import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import mqtt, { type MqttClient } from 'mqtt'
import { onTestFinished } from 'vitest'
import { hasMosquitto } from './mosquitto.ts'

/** Clients that are not ours, in one shape: what they publish, and what they hear. */
export interface ForeignClient {
  readonly name: string
  /** Is it on this machine? */
  readonly there: boolean
  publish(port: number, qos: number, topic: string, payloads: readonly string[]): Promise<void>
  /** Subscribes with a session that stays, and goes. */
  leave(port: number, id: string, qos: number, topic: string): Promise<void>
  /** Connects and subscribes; resolves then. `heard`: a line for each message, `QOS RETAIN PAYLOAD`, until the payload is `end`. */
  listen(port: number, id: string, clean: boolean, qos: number, topic: string): Promise<{ heard: Promise<string[]> }>
}

const run = promisify(execFile)

/** Lines of a child: resolves when one says it is subscribed; then what it says it got, when it ends. */
async function listenBy(child: ChildProcess, subscribed: RegExp): Promise<{ heard: Promise<string[]> }> {
  onTestFinished(() => void child.kill('SIGKILL'))
  const heard: string[] = []
  let ready: () => void = () => {}
  const isReady = new Promise<void>(resolve => {
    ready = resolve
  })
  createInterface({ input: child.stdout! }).on('line', line => {
    if (subscribed.test(line)) ready()
    else if (line.startsWith('got ')) heard.push(line.slice(4))
  })
  const closed = new Promise<string[]>(resolve => child.once('close', () => resolve(heard)))
  await Promise.race([isReady, closed])
  return { heard: closed }
}

const mosquitto: ForeignClient = {
  name: 'mosquitto_pub and mosquitto_sub',
  there: hasMosquitto,
  async publish(port, qos, topic, payloads) {
    const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', `${port}`, '-q', `${qos}`, '-t', topic, '-l'])
    child.stdin.end(payloads.map(payload => `${payload}\n`).join(''))
    const code = await new Promise(resolve => child.once('close', resolve))
    if (code !== 0) throw new Error(`mosquitto_pub ended with ${code}`)
  },
  async leave(port, id, qos, topic) {
    await run('mosquitto_sub', ['-h', '127.0.0.1', '-p', `${port}`, '-i', id, '-c', '-q', `${qos}`, '-t', topic, '-E'])
  },
  listen(port, id, clean, qos, topic) {
    const args = ['-h', '127.0.0.1', '-p', `${port}`, '-i', id, ...(clean ? [] : ['-c']), '-q', `${qos}`, '-t', topic]
    // It speaks into a pipe in blocks, unless told otherwise.
    const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...args, '-d', '-F', 'got %q %r %p'])
    // It goes on listening by itself. No TERM: it would print its debug line inside what it is printing, and a line comes twice.
    createInterface({ input: child.stdout }).on('line', line => {
      if (/^got \d \d end$/.test(line)) child.kill('SIGKILL')
    })
    return listenBy(child, /received SUBACK|^Subscribed/)
  },
}

// Debian's package, whatever other Python stands first in PATH.
const python = ['/usr/bin/python3', 'python3'].find(p => spawnSync(p, ['-c', 'import paho.mqtt.client']).status === 0)
const script = fileURLToPath(new URL('paho_client.py', import.meta.url))

const paho: ForeignClient = {
  name: 'paho',
  there: python !== undefined,
  async publish(port, qos, topic, payloads) {
    await run(python!, [script, 'pub', '127.0.0.1', `${port}`, `${qos}`, topic, ...payloads])
  },
  async leave(port, id, qos, topic) {
    await run(python!, [script, 'leave', '127.0.0.1', `${port}`, id, `${qos}`, topic])
  },
  listen(port, id, clean, qos, topic) {
    const child = spawn(python!, [script, 'sub', '127.0.0.1', `${port}`, id, clean ? 'clean' : 'keep', `${qos}`, topic])
    return listenBy(child, /^ready$/)
  },
}

const url = (port: number): string => `mqtt://127.0.0.1:${port}`
const asQos = (qos: number): 0 | 1 | 2 => qos as 0 | 1 | 2

const mqttJs: ForeignClient = {
  name: 'mqtt.js',
  there: true,
  async publish(port, qos, topic, payloads) {
    const client = await mqtt.connectAsync(url(port))
    for (const payload of payloads) await client.publishAsync(topic, payload, { qos: asQos(qos) })
    await client.endAsync()
  },
  async leave(port, id, qos, topic) {
    const client = await mqtt.connectAsync(url(port), { clientId: id, clean: false })
    await client.subscribeAsync(topic, { qos: asQos(qos) })
    await client.endAsync()
  },
  async listen(port, id, clean, qos, topic) {
    const lines: string[] = []
    const client: MqttClient = mqtt.connect(url(port), { clientId: id, clean })
    const heard = new Promise<string[]>(resolve =>
      client.on('message', (_topic, payload, packet) => {
        lines.push(`${packet.qos} ${packet.retain ? 1 : 0} ${payload}`)
        if (payload.toString() === 'end') void client.endAsync().then(() => resolve(lines))
      }),
    )
    await new Promise<void>(resolve => client.once('connect', () => resolve()))
    await client.subscribeAsync(topic, { qos: asQos(qos) })
    return { heard }
  },
}

export const foreignClients: readonly ForeignClient[] = [mosquitto, paho, mqttJs]
