import type { TLSSocket } from 'node:tls'
import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/api/identities.ts'
import { rawClient } from '../broker/client.ts'
import { type House, openHouse, ticketOf, value } from './house.ts'

/** How soon a credential that was taken away is worth nothing: its live session closed and its next CONNECT refused. A board that is
 *  in the middle of things, with messages on the way and a will, each time from an address of its own. */
const trials = 100
const withinMs = 5_000
const kinds = ['password', 'certificate'] as const
const ways = ['revoke', 'rotate', 'remove'] as const

describe.each(kinds)('a %s', kind => {
  test(`is worth nothing within 5 s of its end, ${trials} times of ${trials}`, async () => {
    const house = await openHouse()
    const took: number[] = []
    for (let i = 0; i < trials; i++) took.push(await endOne(house, kind, ways[i % ways.length]!, i))
    took.sort((a, b) => a - b)
    const at = (share: number): string => `${took[Math.ceil(took.length * share) - 1]!.toFixed(1)} ms`
    console.log(`${kind}: session closed and next CONNECT refused after p50 ${at(0.5)}, p95 ${at(0.95)}, p100 ${at(1)}`)
    expect(took).toHaveLength(trials)
    expect(took.at(-1)).toBeLessThanOrEqual(withinMs)
  })
})

/** Milliseconds from the request to the refusal of the next CONNECT. */
async function endOne(house: House, kind: (typeof kinds)[number], way: (typeof ways)[number], i: number): Promise<number> {
  const id = `board-${i}`
  const topic = (name: string): string => `iot/node/${id}/${name}`
  const from = `127.0.${kinds.indexOf(kind) + 1}.${i + 1}`
  const credential = await house.add(id, kind === 'certificate')
  const will = { topic: topic('status'), payload: 'the will', qos: 1 as const, retain: true }
  const { client, code } = await house.connect(credential, { from, clientId: id, clean: i % 2 === 0, will })
  expect(code).toBe(0)
  await client.subscribe({ [topic('command')]: 1 })
  await client.publish(topic('status'), JSON.stringify({ node_id: `node_${id}`, online: true, boot: i }), 1, true)
  for (let n = 0; n < 50; n++) {
    const payload = JSON.stringify({ node_id: `node_${id}`, sensors: { t: n } })
    client.send({ cmd: 'publish', topic: topic('telemetry'), payload, qos: 1, retain: false, dup: false, messageId: 100 + n })
  }
  const ticket = ticketOf(client)
  expect(ticket !== undefined).toBe(kind === 'certificate')

  const begun = performance.now()
  const fresh = await end(house, way, id)
  await client.closed
  const next = await house.connect(credential, { from, clientId: id, clean: i % 2 === 0, ...(ticket && { session: ticket }) })
  const took = performance.now() - begun
  expect(next.code).not.toBe(0)
  if (ticket) expect((next.client.socket as TLSSocket).isSessionReused()).toBe(true)
  await next.client.closed

  const statuses = await retainedOf(house, topic('status'))
  expect(statuses).toEqual(way === 'remove' ? [] : [{ node_id: `node_${id}`, online: false, boot: i }])
  expect(house.fleet.node(id)?.state).toBe(way === 'remove' ? undefined : 'offline')
  expect(house.broker.sessions().filter(({ user }) => user === id)).toEqual([])
  if (fresh !== null) {
    const again = await house.connect(fresh, { from: '127.0.0.1', clientId: id })
    expect(again.code).toBe(0)
    await again.client.disconnect()
  }
  return took
}

async function end(house: House, way: (typeof ways)[number], id: string): Promise<Credential | null> {
  const { identities } = house.fleet
  if (way === 'rotate') return value(await identities.rotate(id, {}))
  if (way === 'revoke') expect(value(await identities.revoke(id)).revoked).toBeGreaterThan(0)
  else expect(await house.remove(id)).toBe(true)
  return null
}

/** What a newcomer is told. The manager's word for the node stands behind everything the node said itself. */
async function retainedOf(house: House, topic: string): Promise<object[]> {
  await house.broker.publish({ topic: 'iot/broker/status', payload: Buffer.from('{}'), qos: 1, retain: false })
  const { ports, managerSecret } = house
  const reader = await rawClient({ port: ports.plain, username: '_manager', password: managerSecret })
  await reader.subscribe({ [topic]: 1 })
  await reader.ping()
  const told = reader.messages.map(({ payload }) => JSON.parse(payload.toString()) as object)
  await reader.disconnect()
  return told
}
