import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { ofOwnBroker } from './own-broker.ts'

/** Programs that are not ours as nodes: mosquitto's clients and a Python script on paho. */
const run = promisify(execFile)
const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined
// Debian's package, whatever other Python stands first in PATH.
const python = ['/usr/bin/python3', 'python3'].find(p => spawnSync(p, ['-c', 'import paho.mqtt.client']).status === 0)

const example =
  '{"node_id":"node_07","timestamp":1704844800,"sensors":{"temperature":22.5,"humidity":45.2},"wifi_rssi":-65,"uptime":3600}'

let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
const started: ChildProcess[] = []

beforeAll(async () => {
  data = await temporaryData()
  house = await up(data.dir)
})
afterAll(async () => {
  for (const child of started) child.kill()
  await house.stop()
  await data.remove()
})

const address = () => ['-h', house.run.mqtt.host, '-p', String(house.run.mqtt.port)]
const exported = async (node: string) => (await house.cli('export', '--node', node, '--format', 'jsonl')).lines()

describe.skipIf(!hasMosquitto)('mosquitto_pub and mosquitto_sub', () => {
  test.each([0, 1, 2])('the contract example at QoS %i is stored exactly', async qos => {
    const node = `q${qos}`
    await run('mosquitto_pub', [
      ...address(),
      '-q',
      String(qos),
      '-t',
      `iot/node/${node}/telemetry`,
      '-m',
      example.replace('node_07', `node_${node}`),
    ])
    const rows = await until(`reading of ${node}`, async () => {
      const found = await exported(node)
      return found.length > 0 ? found : undefined
    })
    expect(rows).toEqual([
      {
        time: 1704844800000,
        node,
        boot: null,
        seq: null,
        fields: { temperature: 22.5, humidity: 45.2, wifi_rssi: -65, uptime: 3600 },
      },
    ])
  })

  ofOwnBroker('mosquitto_sub sees what nodes publish, and a denied filter is refused', async () => {
    const subscriptions = async () => (await house.api('/api/broker')).body.subscriptions as number
    const before = await subscriptions()
    const sub = spawn('mosquitto_sub', [...address(), '-t', 'iot/node/+/telemetry', '-q', '1', '-C', '1'])
    started.push(sub)
    const gone = new Promise(done => sub.once('close', done))
    let text = ''
    sub.stdout.setEncoding('utf8').on('data', chunk => (text += chunk))
    await until('the subscription', async () => ((await subscriptions()) > before ? true : undefined))
    await run('mosquitto_pub', [
      ...address(),
      '-q',
      '1',
      '-t',
      'iot/node/seen/telemetry',
      '-m',
      example.replace('node_07', 'node_seen'),
    ])
    await gone
    expect(text).toContain('"node_seen"')
    const denied = await run('mosquitto_sub', [...address(), '-t', 'other/#', '-C', '1', '-W', '5', '-d']).catch(error => error)
    expect(`${denied.stdout}${denied.stderr}`).toMatch(/128|denied|All subscription requests were denied/i)
  })

  ofOwnBroker('nobody on loopback can publish a command, and it is counted', async () => {
    const before = (await house.cli('broker', '--json')).json().denied.anonymous ?? 0
    await run('mosquitto_pub', [...address(), '-q', '1', '-t', 'iot/node/seen/command', '-m', '{"command":"reboot"}'])
    await until('the count', async () =>
      (await house.cli('broker', '--json')).json().denied.anonymous > before ? true : undefined,
    )
  })

  ofOwnBroker('wrong credentials are refused', async () => {
    const wrong = await run('mosquitto_pub', [...address(), '-u', '_manager', '-P', 'nonsense', '-t', 'iot/x', '-m', 'x']).catch(
      error => error,
    )
    expect(wrong.code).not.toBe(0)
    expect(`${wrong.stderr}`).toMatch(/not authori[sz]ed|bad user name|Connection Refused/i)
  })
})

describe.skipIf(!python)('a Python script on paho', () => {
  test.each([0, 1, 2])('a command from the CLI reaches it at QoS %i and its ack closes it', async qos => {
    const node = `py${qos}`
    const script = fileURLToPath(new URL('paho_node.py', import.meta.url))
    const child = spawn(python!, [script, house.run.mqtt.host, String(house.run.mqtt.port), node, String(qos)])
    started.push(child)
    const lines: string[] = []
    createInterface({ input: child.stdout }).on('line', line => lines.push(line))
    await until('the script', async () => (lines.includes('ready') ? true : undefined))
    await until('its reading', async () => ((await house.cli('node', 'show', node, '--json')).code === 0 ? true : undefined))
    const sent = await house.cli('send', node, 'water', 'litres=2', 'zone=back garden', '--json')
    expect(sent.code).toBe(0)
    const command = sent.json()
    expect(command).toMatchObject({
      state: 'done',
      matched: 'id',
      attempts: 1,
      result: { echo: { litres: 2, zone: 'back garden' } },
    })
    expect(command.history.map((h: { state: string }) => h.state)).toEqual(['queued', 'sent', 'done'])
    const got = JSON.parse(lines[1]!)
    expect(got).toMatchObject({
      qos: Math.min(qos, 1),
      retain: 0,
      command: { id: command.id, command: 'water', params: { litres: 2, zone: 'back garden' } },
    })
    expect(await exported(node)).toHaveLength(1)
  })
})
