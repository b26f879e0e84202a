import mqtt from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConformanceReport } from '../../src/api/conformance.ts'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { liarNode } from './liar-node.ts'

/** Whoever has a node asks whether it keeps the contract: one of ours, a sketch of ten lines, and one that only looks right. */
describe.concurrent('conformance of a node on the air', () => {
  let house: Up
  let remove: () => Promise<void>
  let url: string
  beforeAll(async () => {
    const data = await temporaryData()
    remove = data.remove
    house = await up(data.dir, '--sim', '1')
    url = `mqtt://${house.run.mqtt.host}:${house.run.mqtt.port}`
  }, 60_000)
  afterAll(async () => {
    await house?.stop()
    await remove?.()
  })

  const names = (report: ConformanceReport, result: string): string[] =>
    report.checks.filter(check => check.result === result).map(({ name }) => name)
  const known = (id: string): Promise<true> =>
    until(`${id} is known`, async () => ((await house.api(`/api/nodes/${id}`)).status === 200 ? true : undefined))
  test('a virtual node keeps all of it, and leaves no reject behind', { timeout: 120_000 }, async () => {
    await known('sim-1')
    const ran = await house.cli('conformance', 'sim-1', '--json')
    const report = ran.json<ConformanceReport>()
    expect(report.checks.filter(({ result }) => result !== 'pass')).toEqual([])
    expect(report).toMatchObject({ node: 'sim-1', pass: true })
    expect(report.checks.length).toBeGreaterThanOrEqual(20)
    expect(ran.code).toBe(0)
    const { by_node } = (await house.cli('rejects', '--counts', '--json')).json<{ by_node: Record<string, number> }>()
    expect(by_node['sim-1']).toBeUndefined()
  })

  test('a sketch that only sends telemetry passes, and is told what could not be asked', { timeout: 120_000 }, async () => {
    const sketch = await mqtt.connectAsync(url)
    const timer = setInterval(() => {
      sketch.publish('iot/node/sketch/telemetry', '{"node_id":"node_sketch","sensors":{"temperature":22.5}}')
    }, 300)
    try {
      await known('sketch')
      const report = (await house.cli('conformance', 'sketch', '--json')).json<ConformanceReport>()
      expect(names(report, 'pass')).toEqual(['telemetry'])
      expect(names(report, 'fail')).toEqual([])
      expect(report.checks.find(({ name }) => name === 'ping')?.detail).toContain('does not answer commands')
    } finally {
      clearInterval(timer)
      await sketch.endAsync()
    }
  })

  test('a node that only looks right is found out, check by check', { timeout: 240_000 }, async () => {
    const liar = await liarNode(url, 'liar')
    try {
      await known('liar')
      const ran = await house.cli('conformance', 'liar', '--json')
      const report = ran.json<ConformanceReport>()
      expect(ran.code).toBe(7)
      expect(names(report, 'fail')).toEqual(
        expect.arrayContaining([
          'unknown_command',
          'bad_params',
          'dedupe',
          'id_reuse',
          'expiry',
          'receipts',
          'will',
          'resend',
          'update',
        ]),
      )
      expect(names(report, 'fail')).toEqual(expect.arrayContaining(['reboot', 'memory', 'retained']))
    } finally {
      await liar.stop()
    }
  })

  test('a node that says nothing fails at once of everything that needs a voice', { timeout: 180_000 }, async () => {
    await house.cli('node', 'add', 'mute', '--json')
    const ran = await house.cli('conformance', 'mute', '--json')
    expect(ran.code).toBe(7)
    expect(names(ran.json<ConformanceReport>(), 'fail')).toContain('telemetry')
  })

  test('an unknown id is no node (exit 6)', async () => {
    expect((await house.cli('conformance', 'nobody')).code).toBe(6)
  })
})
