import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { lanHouse, strangers } from '../lan/house.ts'
import { buildHostNode, hostToolsThere, nodeHouse } from './host-node.ts'

/** espalier-node at the embedded broker and its manager: what the manager knows of a real node. */
const node = (house: Up, id: string, what: string, fits: (node: any) => boolean) =>
  until(`${id} ${what}`, async () => {
    const { status, body } = await house.api(`/api/nodes/${id}`)
    return status === 200 && fits(body) ? body : undefined
  })

const ledger = async (house: Up, id: string) => (await house.api('/api/ledger')).body.items.find((line: any) => line.node === id)

async function command(house: Up, id: string, body: object): Promise<any> {
  const headers = { 'content-type': 'application/json' }
  const sent = await house.api(`/api/nodes/${id}/commands`, { method: 'POST', body: JSON.stringify(body), headers })
  return until(`the end of ${JSON.stringify(body)}`, async () => {
    const { body: now } = await house.api(`/api/commands/${sent.body.id}`)
    return ['done', 'failed', 'rejected', 'expired', 'unknown'].includes(now.state) ? now : undefined
  })
}

async function demoHouse() {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  const house = await up(dir)
  onTestFinished(() => house.kill())
  return { house, url: `mqtt://127.0.0.1:${house.run.mqtt.port}` }
}

async function filesWith(dir: string, text: string): Promise<string[]> {
  const names = (await readdir(dir, { recursive: true, withFileTypes: true })).filter(entry => entry.isFile())
  const paths = names.map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(paths.map(async path => (await readFile(path)).includes(text)))
  return paths.filter((_, i) => found[i]).map(path => relative(dir, path))
}

describe.skipIf(!hostToolsThere)('a node and its manager (needs g++, cmake, libssl-dev)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  test('a life: born, measured, commanded, rebooted, killed, born again; the ledger misses nothing', async () => {
    const [{ house, url }, files] = await Promise.all([demoHouse(), nodeHouse()])
    const first = await files.node('n1', url, '--interval', '0.5', '--exec-log', files.file('exec.log'))
    const seen = await node(house, 'n1', 'online', n => n.state === 'online' && n.last.temperature !== undefined)
    expect(seen).toMatchObject({ board: 'host' })
    expect((await command(house, 'n1', { command: 'ping' })).state).toBe('done')
    expect((await command(house, 'n1', { command: 'reboot' })).state).toBe('done')
    expect(first.boots.map(boot => boot.pid)).toEqual([first.ready.pid, first.ready.pid])
    await first.stop('SIGKILL')
    await node(house, 'n1', 'offline', n => n.state === 'offline')
    const second = await files.node('n1', url, '--interval', '0.5', '--exec-log', files.file('exec.log'))
    await node(house, 'n1', 'online again', n => n.state === 'online')
    expect((await command(house, 'n1', { command: 'set_output', params: { name: 'pump', value: 1 } })).state).toBe('done')
    await until('a ledger without a gap', async () => {
      const line = await ledger(house, 'n1')
      return line.stored > 5 && line.missing === 0 ? line : undefined
    })
    expect(await second.stop()).toBe(0)
    expect((await files.lines('exec.log')).map(line => line.command)).toEqual(['ping', 'reboot', 'set_output'])
  })

  test('the manager away: the node keeps its readings, and all arrive with their own times', async () => {
    const { dir, remove } = await temporaryData()
    onTestFinished(remove)
    const files = await nodeHouse()
    const first = await up(dir)
    const { port } = first.run.mqtt
    await files.node('n1', `mqtt://127.0.0.1:${port}`, '--interval', '0.2', '--reading-log', files.file('readings.log'))
    await until('stored', async () => ((await ledger(first, 'n1'))?.stored > 3 ? true : undefined))
    await first.kill()
    const before = (await files.lines('readings.log')).length
    await until('twenty more readings', async () => ((await files.lines('readings.log')).length > before + 20 ? true : undefined))
    const second = await up(dir, '--mqtt-port', String(port))
    onTestFinished(() => second.kill())
    await until('all stored', async () => {
      const line = await ledger(second, 'n1')
      return line?.stored > before + 20 && line.missing === 0 && line.lost === 0 ? line : undefined
    })
    const { body } = await second.api('/api/nodes/n1/readings?sensor=temperature&points=5000')
    const taken = (await files.lines('readings.log')).slice(0, before + 20)
    const times: number[] = body.series.temperature.time
    // The log is written right after the reading, in another millisecond at times.
    for (const { time } of taken) expect(times.some(t => Math.abs(t - time) < 100)).toBe(true)
  })

  test('TLS: password or certificate of a node gets in; a stranger CA does not, and it says so at the cable', async () => {
    const [house, files] = await Promise.all([lanHouse(), nodeHouse()])
    const url = `mqtts://localhost:${house.mqtts}`
    const { password } = await house.add('b1')
    const passwordFile = await files.write('b1.password', `${password}\n`)
    const b1 = await files.node('b1', url, '--ca', house.caFile, '--password-file', passwordFile)
    const own = await house.certFiles('b2')
    await files.node('b2', url, '--ca', house.caFile, '--cert', own.cert, '--key', own.key)
    await node(house, 'b1', 'online', n => n.state === 'online')
    await node(house, 'b2', 'online', n => n.state === 'online')
    // The password stands in the settings in flash, and nowhere else.
    expect(await filesWith(files.file('b1'), password)).toEqual(['flash/creds.a'])
    expect(await readFile(`/proc/${b1.ready.pid}/cmdline`, 'utf8')).not.toContain(password)
    expect(b1.err()).not.toContain(password)
    const other = await strangers('b3')
    const lost = await files.node('b3', url, '--ca', other.caFile, '--password-file', passwordFile)
    await until('it is not reached', async () => (lost.err().includes('not trusted') ? true : undefined))
  })
})
