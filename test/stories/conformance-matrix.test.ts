import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConformanceReport } from '../../src/api/conformance.ts'
import { hasMosquitto } from '../broker/mosquitto.ts'
import { endSite, managerPassword, nodePassword, type Site, startSite } from '../broker/site.ts'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { buildHostNode, hostToolsThere, startNode } from '../firmware/host-node.ts'

/** Every kind of node of ours at every kind of broker keeps the whole contract: virtual ones and real processes, at the embedded broker with
 *  and without TLS, and at a real mosquitto with TLS. One row a pair, all at the same time: a run mostly waits. */
const ends: (() => unknown)[] = []
let binary: string
let dir: string

async function place(): Promise<string> {
  const data = await temporaryData()
  ends.push(data.remove)
  return data.dir
}

async function house(...flags: string[]): Promise<Up> {
  const started = await up(await place(), ...flags)
  ends.push(() => started.kill())
  return started
}

async function hostNode(id: string, ...flags: string[]): Promise<void> {
  const node = await startNode(binary, '--id', id, '--state', join(dir, id), ...flags)
  ends.push(() => node.stop('SIGKILL'))
}

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(dir, name), text, { mode: 0o600 })
  return join(dir, name)
}

/** A mosquitto of its own for each manager: two of them under one name throw each other out. */
async function mosquitto(...users: string[]): Promise<Site> {
  const site = await startSite(users)
  ends.push(() => endSite(site))
  return site
}

/** A manager at mosquitto over TLS with a certificate, where client ids are the clients' own; or with a password, where mosquitto makes
 *  them of the user names. */
async function onMosquitto(site: Site, way: 'certificate' | 'password', ...flags: string[]): Promise<Up> {
  const common = ['--broker', `mqtts://localhost:${way === 'password' ? site.tls : site.certs}`, '--broker-ca', site.ca]
  if (way === 'password')
    return house(...common, '--broker-password-file', await file('_manager.password', managerPassword), ...flags)
  const { cert, key } = await site.certificate('_manager')
  return house(...common, '--broker-cert', cert, '--broker-key', key, ...flags)
}

const atMosquitto = async (site: Site, id: string): Promise<void> =>
  hostNode(
    id,
    ...['--broker', `mqtts://localhost:${site.tls}`, '--ca', site.ca],
    ...['--password-file', await file(`${id}.password`, nodePassword(id))],
  )

interface Row {
  readonly node: string
  readonly house: Up
}

const virtualEmbedded = async (): Promise<Row> => ({ node: 'sim-1', house: await house('--sim', '1') })

async function hostEmbedded(): Promise<Row> {
  const started = await house()
  await hostNode('h1', '--broker', `mqtt://127.0.0.1:${started.run.mqtt.port}`)
  return { node: 'h1', house: started }
}

async function hostEmbeddedTls(): Promise<Row> {
  const started = await house('--lan', '--mqtts-port', '0', '--https-port', '0')
  const { password } = (await started.cli('node', 'add', 'h2', '--json')).json()
  await hostNode(
    'h2',
    ...['--broker', `mqtts://127.0.0.1:${started.run.mqtts!.port}`, '--ca', join(started.data, 'ca/ca.pem')],
    ...['--password-file', await file('h2.password', password)],
  )
  return { node: 'h2', house: started }
}

async function hostMosquitto(): Promise<Row> {
  const site = await mosquitto('h3')
  const started = await onMosquitto(site, 'certificate')
  await atMosquitto(site, 'h3')
  return { node: 'h3', house: started }
}

const virtualMosquitto = async (): Promise<Row> => ({
  node: 'sim-1',
  house: await onMosquitto(await mosquitto(), 'certificate', '--sim', '1'),
})

async function hostMosquittoBound(): Promise<Row> {
  const site = await mosquitto('h4')
  const started = await onMosquitto(site, 'password')
  await atMosquitto(site, 'h4')
  return { node: 'h4', house: started }
}

/** The report of a run, once the node has said what it is. */
async function reportOf({ node, house }: Row): Promise<ConformanceReport> {
  await until(
    `${node} and its status`,
    async () => {
      const { body } = await house.api(`/api/nodes/${node}`)
      return body.status?.keep === 'receipt' ? true : undefined
    },
    60_000,
  )
  return (await house.cli('conformance', node, '--json')).json<ConformanceReport>()
}

const not = (report: ConformanceReport, result: string) => report.checks.filter(check => check.result !== result)

describe.skipIf(!hostToolsThere || !hasMosquitto).concurrent('all green (needs g++, cmake, libssl-dev, mosquitto)', () => {
  beforeAll(async () => {
    binary = await buildHostNode()
    dir = await place()
  }, 300_000)
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })

  test.each([
    ['a virtual node at the embedded broker', virtualEmbedded],
    ['a host node at the embedded broker', hostEmbedded],
    ['a host node at the embedded broker, TLS and password', hostEmbeddedTls],
    ['a virtual node at mosquitto', virtualMosquitto],
    ['a host node at mosquitto, TLS and password', hostMosquitto],
  ])('%s', { timeout: 240_000 }, async (_, row) => {
    const report = await reportOf(await row())
    expect(not(report, 'pass')).toEqual([])
    expect(report.checks.length).toBeGreaterThanOrEqual(21)
    expect(report.pass).toBe(true)
  })

  test('mosquitto that makes client ids of user names: nobody but a node can throw it out, and the rest is green', {
    timeout: 240_000,
  }, async () => {
    const report = await reportOf(await hostMosquittoBound())
    expect(not(report, 'pass').map(({ name, result }) => [name, result])).toEqual([
      ['will', 'skip'],
      ['reconnection', 'skip'],
      ['resend', 'skip'],
    ])
    expect(report.pass).toBe(true)
  })
})
