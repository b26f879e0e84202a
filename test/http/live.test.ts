import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { ApiError, type Client, createClient, Unreachable } from '../../src/api/client.ts'
import type { ApiEvent } from '../../src/api/events.ts'
import { type HttpParts, type HttpServer, openHttp } from '../../src/http/http.ts'
import { type FakeOptions, fakeParts, reading, token } from './fake-parts.ts'

const open: HttpServer[] = []
afterEach(async () => {
  for (const server of open.splice(0)) await server.close()
})

async function start(options: FakeOptions = {}, change: (parts: HttpParts) => HttpParts = parts => parts) {
  const fake = fakeParts(options)
  const parts = change(fake.parts)
  const server = await openHttp(parts)
  open.push(server)
  const url = `http://127.0.0.1:${server.port}`
  return { ...fake, parts, server, url, client: createClient({ url, token }) }
}

const presence = (node: string) => ({ type: 'presence', data: { node, state: 'online', time: 1 } }) as const

/** Reads `count` events; `opened` runs at each connection. */
async function take(client: Client, count: number, options: Parameters<Client['events']>[0] & { opened?: () => void } = {}) {
  const { opened, ...rest } = options
  const events: ApiEvent[] = []
  for await (const event of client.events({ onConnection: isOpen => isOpen && opened?.(), ...rest })) {
    events.push(event)
    if (events.length === count) break
  }
  return events
}

describe('live events over a socket', () => {
  test('readings come as arrays, with fields by name', async () => {
    const { client, parts } = await start()
    const opened = () =>
      parts.events.publish({ type: 'readings', data: [reading('01', 5, { x: 1 }, 3), reading('02', 6, { x: 2 })] })
    const [event] = await take(client, 1, { opened })
    expect(event).toMatchObject({
      type: 'readings',
      data: [
        { node: '01', time: 5, fields: { x: 1 }, boot: 7, seq: 3 },
        { node: '02', time: 6, fields: { x: 2 }, boot: null, seq: null },
      ],
    })
  })

  test('a client that comes back gets what it missed, once, then what is new', async () => {
    const { client, parts } = await start()
    const [first] = await take(client, 1, { opened: () => parts.events.publish(presence('a')) })
    parts.events.publish(presence('b'))
    const opened = () => parts.events.publish(presence('c'))
    const events = await take(client, 2, { lastEventId: first!.id!, opened })
    expect(events.map(event => (event.type === 'presence' ? event.data.node : event.type))).toEqual(['b', 'c'])
  })

  test('what is no longer held comes as a gap with its number', async () => {
    const { client, parts } = await start({ hubCapacity: 3 })
    for (let i = 0; i < 10; i++) parts.events.publish(presence(`${i}`))
    const events = await take(client, 4, { lastEventId: String(parts.events.start) })
    expect(events[0]).toMatchObject({ type: 'gap', data: { missed: 6 } })
    expect(events.slice(1).map(event => event.type === 'presence' && event.data.node)).toEqual(['7', '8', '9'])
  })

  test('the client finds its way back over a restart of the server', async () => {
    const first = await start()
    const seen: string[] = []
    let dropped = (): void => {}
    const gone = new Promise<void>(resolve => (dropped = resolve))
    const onConnection = (isOpen: boolean): void => {
      if (!isOpen) dropped()
      else if (seen.length === 0) first.parts.events.publish(presence('before'))
    }
    const stop = new AbortController()
    const reading = (async () => {
      for await (const event of first.client.events({ onConnection, signal: stop.signal })) {
        seen.push(event.type === 'presence' ? event.data.node : event.type)
        if (event.type === 'presence' && event.data.node === 'before') void first.server.close()
        if (event.type === 'presence' && event.data.node === 'after') stop.abort()
      }
    })()
    await gone
    first.clock.advance(5000)
    const again = fakeParts()
    again.clock.wall = first.clock.wall
    const { createEventHub } = await import('../../src/http/http.ts')
    const events = createEventHub({ clock: again.clock })
    events.publish(presence('after'))
    open.push(await openHttp({ ...again.parts, events, port: first.server.port }))
    await reading
    expect(seen).toEqual(['before', 'gap', 'after'])
  })

  test('filters hold for types and node, and an unknown type is refused', async () => {
    const { client, parts } = await start()
    const opened = () => {
      parts.events.publish({ type: 'readings', data: [reading('01', 5, { x: 1 })] })
      parts.events.publish(presence('02'))
      parts.events.publish(presence('01'))
    }
    const [event] = await take(client, 1, { node: '01', types: ['presence'], opened })
    expect(event).toMatchObject({ type: 'presence', data: { node: '01' } })
    await expect(take(client, 1, { types: ['nonsense' as 'presence'] })).rejects.toMatchObject({ status: 400 })
  })

  test('a quiet stream is kept alive with pings', async () => {
    const { server } = await start({ pingMs: 20 })
    const asked = request({ port: server.port, path: '/api/events', headers: { authorization: `Bearer ${token}` } }).end()
    const [response] = await once(asked, 'response')
    let text = ''
    for await (const piece of response) {
      text += piece
      if (text.includes(': ping\n\n')) break
    }
    expect(response.headers['content-type']).toMatch(/^text\/event-stream/)
  })

  test('a client that reads nothing is cut, and holds up nobody', async () => {
    const { server, parts, client } = await start({ hubCapacity: 50 })
    const frozen = connect(server.port, '127.0.0.1')
    frozen.write(`GET /api/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`)
    await once(frozen, 'readable')
    frozen.pause()
    const closed = once(frozen, 'close')
    frozen.on('error', () => {})
    // Larger than the kernel's buffers of a loopback connection.
    const fat = Array.from({ length: 2000 }, (_, i) => reading('01', i, { x: i, y: i, z: i }))
    for (let i = 0; i < 200; i++) parts.events.publish({ type: 'readings', data: fat })
    const [event] = await take(client, 1, { types: ['presence'], opened: () => parts.events.publish(presence('still here')) })
    expect(event).toMatchObject({ data: { node: 'still here' } })
    frozen.resume()
    await closed
  })
})

describe('the client', () => {
  test('reads lists to their end and single things', async () => {
    const { client } = await start()
    expect((await client.nodes()).map(node => node.id)).toEqual(['01', '02'])
    expect((await client.node('01')).status).toMatchObject({ online: false })
    expect(await client.rejectCounts()).toMatchObject({ total: 0 })
    expect((await client.send('01', { command: 'ping' })).command).toBe('ping')
    expect(await client.removeNode('02', 'keep')).toBeUndefined()
  })

  test('tells a refusal from silence', async () => {
    const { client, url, server } = await start()
    await expect(client.node('xx')).rejects.toBeInstanceOf(ApiError)
    await expect(client.node('xx')).rejects.toMatchObject({ status: 404, problem: { title: 'There is no such thing' } })
    await expect(createClient({ url, token: 'wrong' }).nodes()).rejects.toMatchObject({ status: 401 })
    await server.close()
    open.splice(0)
    await expect(client.nodes()).rejects.toBeInstanceOf(Unreachable)
  })

  test('gives health also when it is down', async () => {
    const { client } = await start({}, parts => ({ ...parts, health: () => ({ ...parts.health(), status: 'down' }) }))
    expect((await client.health()).status).toBe('down')
  })

  test('streams an export', async () => {
    const { client } = await start({ readings: [reading('01', 0, { x: 1 })] })
    const response = await client.export({ node: ['01'], format: 'csv' })
    expect(await response.text()).toBe('time,node,boot,seq,x\n1970-01-01T00:00:00.000Z,01,,,1\n')
  })
})

test('a taken port is told to the caller', async () => {
  const { server, parts } = await start()
  await expect(openHttp({ ...parts, port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
})

test('a request in progress is answered before the server is closed', async () => {
  let finish = (): void => {}
  let asked = (): void => {}
  const arrived = new Promise<void>(resolve => (asked = resolve))
  const { server, client } = await start({}, parts => ({
    ...parts,
    rejects: {
      ...parts.rejects,
      list: () => {
        asked()
        return new Promise(resolve => (finish = () => resolve({ items: [], next: null })))
      },
    },
  }))
  const answer = client.rejects()
  await arrived
  const closing = server.close()
  finish()
  expect(await answer).toEqual([])
  await closing
  open.splice(0)
})

test('closing ends open streams at once', async () => {
  const { server, client } = await start()
  const stop = new AbortController()
  let closing: Promise<void> | undefined
  const onConnection = (isOpen: boolean): void => {
    if (isOpen) closing = server.close()
    else stop.abort()
  }
  for await (const _ of client.events({ signal: stop.signal, onConnection }));
  await closing
  open.splice(0)
})
