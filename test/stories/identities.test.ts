import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type RawClient, tryRawClient } from '../broker/client.ts'
import { temporaryData, type Up, until, up } from '../espalier.ts'

/** A board's credential on the running product: made, used, taken away, and found nowhere but in the answer that made it. */
let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
beforeEach(async () => {
  data = await temporaryData()
})
afterEach(async () => {
  await house.stop()
  await data.remove()
})

const post = (path: string, body?: object) =>
  house.api(path, {
    method: 'POST',
    ...(body && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
const connect = (username: string, password: string) => tryRawClient({ port: house.run.mqtt.port, username, password })
const say = (client: RawClient, id: string, value: number) =>
  client.publish(`iot/node/${id}/telemetry`, JSON.stringify({ node_id: `node_${id}`, sensors: { t: value } }), 1)
const node = async (id: string) => (await house.api('/api/nodes')).body.items.find((one: { id: string }) => one.id === id)

test('a board that was added speaks; revoked it is out, over a restart too; its secret is nowhere', async () => {
  house = await up(data.dir)
  const added = await post('/api/nodes', { id: 'greenhouse', name: 'Greenhouse' })
  expect(added).toMatchObject({ status: 201, body: { id: 'greenhouse', username: 'greenhouse' } })
  const { password } = added.body
  expect(await node('greenhouse')).toMatchObject({ name: 'Greenhouse', state: 'unknown', claimed: true, stored: 0 })
  expect((await post('/api/nodes', { id: 'greenhouse' })).status).toBe(409)

  const { client, code } = await connect('greenhouse', password)
  expect(code).toBe(0)
  await say(client, 'greenhouse', 21)
  expect(await node('greenhouse')).toMatchObject({ state: 'online', stored: 1 })
  const rotated = await post('/api/nodes/greenhouse/rotate')
  await client.closed
  expect((await connect('greenhouse', password)).code).toBe(4)
  const again = await connect('greenhouse', rotated.body.password)
  expect(again.code).toBe(0)
  expect((await house.api('/api/identities')).body.items).toMatchObject([{ id: 'greenhouse', connected: true, revoked: null }])

  expect(await post('/api/nodes/greenhouse/revoke')).toMatchObject({ status: 200, body: { id: 'greenhouse' } })
  await again.client.closed
  const lists = ['/api/identities', '/api/nodes', '/api/audit', '/api/messages'].map(async path =>
    JSON.stringify((await house.api(path)).body),
  )
  const said = [...(await Promise.all(lists)), house.stderr(), JSON.stringify(house.run)]
  await house.kill()
  for (const secret of [password, rotated.body.password]) {
    for (const text of said) expect(text).not.toContain(secret)
    expect(await filesWith(data.dir, secret)).toEqual([])
  }

  house = await up(data.dir)
  expect((await connect('greenhouse', rotated.body.password)).code).toBe(4)
  expect(await node('greenhouse')).toMatchObject({ claimed: true, stored: 1 })
  expect((await house.api('/api/nodes/greenhouse', { method: 'DELETE' })).status).toBe(204)
  expect((await house.api('/api/identities')).body.items).toEqual([])
  expect((await post('/api/nodes', { id: 'greenhouse' })).status).toBe(201)
  expect(await node('greenhouse')).toMatchObject({ name: null, stored: 0 })
})

test('a stranger is kept apart or refused as configured, is shown, and let in with one claim', async () => {
  house = await up(data.dir, '--nodes-unclaimed', 'quarantine', '--sim', '1')
  await until('the virtual node is let in', async () => ((await node('sim-1'))?.stored > 0 ? true : undefined))
  expect(await node('sim-1')).toMatchObject({ virtual: true, claimed: true, rejected: 0 })
  expect((await post('/api/nodes', { id: 'sim-1' })).status).toBe(409)
  const first = (await tryRawClient({ port: house.run.mqtt.port })).client
  await say(first, '07', 1)
  expect(await node('07')).toMatchObject({ claimed: false, stored: 0, rejected: 1 })
  const rejects = (await house.api('/api/rejects?node=07')).body.items
  expect(rejects).toMatchObject([{ reason: 'unclaimed' }])
  expect(Buffer.from(rejects[0].raw_base64, 'base64').toString()).toContain('"t":1')
  expect((await post('/api/nodes/07/claim')).body).toMatchObject({ id: '07', claimed: true })
  await say(first, '07', 2)
  expect(await node('07')).toMatchObject({ claimed: true, stored: 1, rejected: 1 })
  await house.stop()

  house = await up(data.dir, '--nodes-unclaimed', 'refuse')
  const second = (await tryRawClient({ port: house.run.mqtt.port })).client
  await say(second, '08', 1)
  await say(second, '07', 3)
  expect(await node('08')).toMatchObject({ claimed: false, stored: 0, rejected: 0 })
  expect(await node('07')).toMatchObject({ stored: 2 })
  expect((await house.api('/api/broker')).body.denied).toEqual({ anonymous: 1 })
  expect((await post('/api/nodes/08/claim')).status).toBe(200)
  await say(second, '08', 2)
  expect(await node('08')).toMatchObject({ claimed: true, stored: 1 })
})

async function filesWith(dir: string, secret: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true, recursive: true })
  const files = entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
  const found = await Promise.all(files.map(async file => ((await readFile(file)).includes(secret) ? [file] : [])))
  return found.flat()
}
