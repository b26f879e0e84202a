import { spawn } from 'node:child_process'
import { expect, onTestFinished, test } from 'vitest'
import { tryRawClient } from '../broker/client.ts'
import { cleanEnv, cli, mainFile, nodeBinary, temporaryData } from '../espalier.ts'
import { lanHouse, lanIp } from './house.ts'

/** --insecure: MQTT without TLS from the LAN, with passwords, on the port where this machine needs none. */

const knock = async (port: number, host: string, more: { username?: string; password?: string } = {}) =>
  (await tryRawClient({ port, host, clientId: 'x', ...more })).code

test.skipIf(!lanIp)('without it, the plain listeners are the loopback alone (needs a network)', async () => {
  const house = await lanHouse()
  await expect(tryRawClient({ port: house.run.mqtt.port, host: lanIp!, clientId: 'x' })).rejects.toThrow(/ECONNREFUSED/)
  await expect(fetch(`http://${lanIp}:${house.run.http.port}/healthz`)).rejects.toThrow()
  const { body } = await house.api('/api/connect')
  expect(body).toMatchObject({ mqtts_port: house.mqtts, mqtt_port: null })
})

test.skipIf(!lanIp)(
  'with it, a password is wanted from the LAN and none on the loopback, on one port (needs a network)',
  async () => {
    const house = await lanHouse('--insecure')
    const { password } = await house.add('01')
    const { port, host } = house.run.mqtt
    expect(host).toBe('127.0.0.1')
    expect(await knock(port, '127.0.0.1')).toBe(0)
    expect(await knock(port, lanIp!)).toBe(5)
    expect(await knock(port, lanIp!, { username: '01', password })).toBe(0)
    expect(await knock(port, lanIp!, { username: '01', password: 'wrong' })).toBe(4)
    const { body } = await house.api('/api/connect')
    expect(body).toMatchObject({ host: lanIp, mqtts_port: house.mqtts, mqtt_port: port })
  },
)

test('what it means is said', async () => {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  const free = ['mqtt', 'http', 'mqtts', 'https'].flatMap(name => [`--${name}-port`, '0'])
  const child = spawn(nodeBinary, [mainFile, 'up', '--data', dir, '--lan', '--insecure', '--sim', '0', ...free], {
    env: cleanEnv(),
  })
  const gone = new Promise(resolve => child.once('exit', resolve))
  let said = ''
  for await (const piece of child.stdout.setEncoding('utf8')) {
    said += piece
    if (said.includes('waiting for')) child.kill('SIGTERM')
  }
  expect(await gone).toBe(0)
  expect(said).toContain('Everybody on this network can read')
  expect(said).toMatch(/CA {5}([0-9A-F]{2}:){31}[0-9A-F]{2} /)
  expect(said).toMatch(/https:\/\/\S+:\d+\/#token=\S+/)
  expect(said.trimEnd().split('\n').at(-1)).toContain('waiting for your first board: run `espalier node add greenhouse --sketch')
})

test('a plain listener on the LAN is refused unless both flags are there', async () => {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  for (const flags of [
    ['--mqtt-host', '0.0.0.0'],
    ['--lan', '--http-host', '0.0.0.0'],
    ['--insecure', '--mqtt-host', '0.0.0.0'],
  ]) {
    const { code, stderr } = await cli(['up', ...flags], { data: dir })
    expect([code, stderr]).toEqual([2, expect.stringContaining('not_loopback')])
  }
})
