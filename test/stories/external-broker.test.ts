import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort, hasMosquitto, startMosquitto } from '../broker/mosquitto.ts'
import { acl, endSite, managerPassword, nodePassword, startSite } from '../broker/site.ts'
import { cli, temporaryData, until, up, upWith } from '../espalier.ts'
import { wire } from '../wire.ts'

/** Somebody has a mosquitto already: `up --broker` reads from it, with its passwords and its TLS, also while it is not there. */
async function place(): Promise<string> {
  const data = await temporaryData()
  onTestFinished(data.remove)
  return data.dir
}
const health = async (house: { url: string }) => {
  const response = await fetch(`${house.url}/healthz`)
  return { code: response.status, ...((await response.json()) as { status: string; checks: { broker: { detail: string } } }) }
}

describe('what is refused before anything starts (exit 2)', () => {
  test.each([
    ['a password in the URL', ['--broker', 'mqtts://_manager:hunter2@localhost'], /credentials in it.*broker_password_file/s],
    [
      'another machine without TLS and password',
      ['--broker', 'mqtt://192.0.2.1'],
      /without TLS and without credentials.*--insecure/s,
    ],
    ['no URL', ['--broker', 'mosquitto'], /embedded, mqtt:\/\/HOST:PORT/],
    ['a CA that is not there', ['--broker', 'mqtts://localhost', '--broker-ca', '/nowhere.pem'], /--broker-ca.*nowhere/s],
    ['a password on the command line', ['--broker', 'mqtt://localhost', '--broker-password', 'hunter2'], /broker-password/],
  ])('%s', async (_, flags, told) => {
    const { code, stderr } = await cli(['up', ...flags], { data: await place() })
    expect(code).toBe(2)
    expect(stderr).toMatch(told)
    expect(stderr).not.toContain('hunter2')
  })
})

test('the guide prints the ACL that the tests run against', () => {
  const guide = readFileSync(new URL('../../docs/guide/mosquitto.md', import.meta.url), 'utf8')
  expect(guide).toContain(acl)
})

describe.skipIf(!hasMosquitto)('an external broker', () => {
  test('that is away: up starts all the same and says so; when it is there, all goes on by itself', async () => {
    const data = await place()
    const port = await freePort()
    const house = await up(data, '--broker', `mqtt://127.0.0.1:${port}`, '--mqtt-port', '12345')
    onTestFinished(() => house.kill())
    expect(house.run.mqtt).toEqual({ host: '127.0.0.1', port })
    expect(JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')).mqtt).toEqual({ host: '127.0.0.1', port })
    expect(house.stderr()).toContain('--mqtt-port is ignored')
    expect(await health(house)).toMatchObject({ code: 200, status: 'degraded', checks: { broker: { ok: false } } })
    const doctor = await house.cli('doctor', '--json')
    expect(doctor.code).toBe(7)
    expect(doctor.json().findings.map((one: { code: string }) => one.code)).toContain('broker_away')
    expect((await house.cli('sub', '#', '--for', '1s')).code).toBe(5)

    const mosquitto = await startMosquitto([`listener ${port} 127.0.0.1`])
    onTestFinished(() => mosquitto.stop())
    await until('well again', async () => ((await health(house)).status === 'ok' ? true : undefined))
    const node = await wire({ host: '127.0.0.1', port }, '01')
    await node.publish('iot/node/01/telemetry', '{"node_id":"node_01","sensors":{"t":1}}')
    await until('the reading', async () => ((await house.api('/api/nodes')).body.items[0]?.stored === 1 ? true : undefined))
    node.end()
    expect(await house.stop()).toBe(0)
    expect(existsSync(join(data, 'run.json'))).toBe(false)
  })

  test('with passwords and TLS: boards speak and keep until receipt; the tools reach it; no secret leaves its file', async () => {
    const data = await place()
    const site = await startSite(['01', '02'])
    onTestFinished(() => endSite(site))
    const passwordFile = join(site.dir, 'manager-password')
    await writeFile(passwordFile, `${managerPassword}\n`, { mode: 0o600 })
    const house = await up(
      data,
      '--broker',
      `mqtt://127.0.0.1:${site.plain}`,
      '--broker-password-file',
      passwordFile,
      '--log-level',
      'trace',
    )
    onTestFinished(() => house.kill())
    expect(house.run.broker).toMatchObject({ user: '_manager', password_file: passwordFile })
    const simulated = await cli(
      [
        'simulate',
        '--broker',
        `mqtts://localhost:${site.tls}`,
        '--ca',
        site.ca,
        '--nodes',
        '1',
        '--prefix',
        '0',
        '--for',
        '2s',
        '--rate',
        '5/s',
      ].concat(['--username', '01', '--password-file', await secretFile(site.dir, nodePassword('01'))]),
    )
    expect(simulated.stderr).not.toContain('no node could connect')
    const report = (
      await cli(
        ['simulate', '--prefix', 'viaup-', '--nodes', '2', '--for', '2s', '--rate', '5/s', '--keep', 'receipt', '--json'],
        { data },
      )
    ).json()
    expect(report).toMatchObject({ nodes: 2, dropped: 0, receipted: report.attempted })
    const nodes = (await house.api('/api/nodes')).body.items
    expect(nodes.map((one: { id: string }) => one.id).sort()).toEqual(['01', 'viaup-1', 'viaup-2'])

    expect((await house.cli('pub', 'iot/node/02/telemetry', '{"node_id":"node_02","sensors":{"t":2}}')).code).toBe(0)
    await until('node 02', async () => ((await house.cli('node', 'show', '02')).code === 0 ? true : undefined))
    const added = await house.cli('node', 'add', '03')
    expect(added.code).not.toBe(0)
    expect(added.stderr).toMatch(/decided by the broker at mqtt:.*mosquitto_passwd/s)
    const view = (await house.cli('broker', '--json')).json()
    expect(view).toMatchObject({ kind: 'mosquitto', up: true, queued: null, inflight: null, denied: {} })
    expect(await house.stop()).toBe(0)
    for (const file of readdirSync(data, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue
      expect(readFileSync(join(file.parentPath, file.name)).includes(managerPassword), file.name).toBe(false)
    }
    expect(house.stderr()).not.toContain(managerPassword)
  })

  test('with --lan only HTTPS listens here, and connect tells where the broker is', async () => {
    const data = await place()
    const site = await startSite([])
    onTestFinished(() => endSite(site))
    const house = await upWith(
      { ESPALIER_BROKER_PASSWORD: managerPassword },
      data,
      ...['--broker', `mqtts://localhost:${site.tls}`, '--broker-ca', site.ca, '--lan', '--https-port', '0', '--mqtts-port', '0'],
    )
    onTestFinished(() => house.kill())
    expect(house.run).toMatchObject({
      mqtt: { host: 'localhost', port: site.tls },
      mqtts: null,
      https: { port: expect.any(Number) },
    })
    const connect = (await house.api('/api/connect')).body
    expect(connect).toMatchObject({ mqtts_port: site.tls, mqtt_port: null })
    expect(await health(house)).toMatchObject({ status: 'ok' })
    expect(await house.stop()).toBe(0)
  })
})

async function secretFile(dir: string, secret: string): Promise<string> {
  const file = join(dir, `secret-${secret}`)
  await writeFile(file, secret, { mode: 0o600 })
  return file
}
