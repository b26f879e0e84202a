import { describe, expect, test } from 'vitest'
import type { Credential } from '../../src/api/identities.ts'
import type { JournalEvent } from '../../src/contract/events.ts'
import { nodeTopic } from '../../src/contract/topics.ts'
import { connectPacket, type RawClient } from '../broker/client.ts'
import {
  type Action,
  actions,
  type Caller,
  callers,
  filters,
  isNode,
  matches,
  maySpeak,
  named,
  ownId,
  publishVerdict,
  subscribeVerdict,
  told,
  topics,
  type Verdict,
} from './authorisation.table.ts'
import { type House, openHouse, value, watcher } from './house.ts'

/** The table on the embedded broker, over real sockets. What came of each attempt is looked for in four places: at a subscriber to
 *  everything, among the events that became durable, among what is retained, and in the connection. Each payload carries a number of
 *  its own. */
const cases = callers.length * (topics.length * actions.length + filters.length)

test('the table has 500 cases and more', () => {
  expect(cases).toBeGreaterThanOrEqual(500)
  expect(new Set(topics).size).toBe(topics.length)
  expect(new Set(filters).size).toBe(filters.length)
})

describe.each(callers)('%s', who => {
  test.each(actions)('%s: nothing is forwarded, stored or retained that may not be, and all that may', async action => {
    const world = await openWorld(who)
    const tried: { topic: string; mark: number }[] = []
    for (const topic of topics.map(name => named(name, who))) {
      const mark = nextMark()
      tried.push({ topic, mark })
      await attempt(world, action, topic, mark)
    }
    const seen = await world.look()
    const wrong = tried.flatMap(({ topic, mark }) => {
      const wanted = publishVerdict(who, topic)
      const got = { ...seen.of(mark), retained: seen.retained(mark) }
      const expected = { ...wanted, retained: wanted.forwarded && action.endsWith('retained') }
      return JSON.stringify(got) === JSON.stringify(expected) ? [] : [{ topic: topic.slice(0, 80), got, expected }]
    })
    expect(wrong).toEqual([])
  })

  test('subscribe: no filter is granted that may not be, and nothing delivered that may not be read', async () => {
    const world = await openWorld(who)
    const topicsTold = told.map(name => named(name, who))
    for (const topic of topicsTold)
      await world.house.broker.publish({ topic, payload: Buffer.from('kept'), qos: 1, retain: true })
    const wrong: object[] = []
    for (const filter of filters.map(name => named(name, who))) {
      const client = await world.house.open(world.credential, { from: world.from() })
      const granted = await subscribeTo(world, client, filter)
      for (const topic of topicsTold)
        await world.house.broker.publish({ topic, payload: Buffer.from('live'), qos: 1, retain: false })
      if (!client.socket.destroyed) await client.ping()
      const expected = subscribeVerdict(who, filter)
      const readable = topicsTold.filter(topic => expected && matches(filter, topic) && (!isNode(who) || mayRead(who, topic)))
      const wanted = readable.flatMap(topic => [`${topic} kept`, `${topic} live`]).sort()
      const got = client.received.filter(line => !line.startsWith('$SYS/')).sort()
      if (granted !== expected || JSON.stringify(got) !== JSON.stringify(wanted))
        wrong.push({ filter, granted, expected, got, wanted })
      await client.cut()
    }
    expect(wrong).toEqual([])
  })
})

const mayRead = (who: Caller, topic: string): boolean =>
  [nodeTopic(ownId[who], 'command'), nodeTopic(ownId[who], 'receipt'), 'iot/broker/status'].includes(topic)

let marks = 7_000_000
const nextMark = (): number => ++marks

interface World {
  readonly house: House
  readonly who: Caller
  readonly credential: Credential | null
  /** An address of its own for who is refused each time: failures are slowed down by address. */
  from(): string
  /** The connection that is used for all, as long as it stands. */
  client: RawClient | null
  look(): Promise<{ of(mark: number): Verdict; retained(mark: number): boolean }>
}

async function openWorld(who: Caller): Promise<World> {
  const house = await openHouse()
  const one = await house.add('01')
  const two = await house.add('02', true)
  const revoked = await house.add('03')
  const removed = await house.add('04')
  value(await house.fleet.identities.revoke('03'))
  await house.remove('04')
  if (who === 'stranger, quarantined') house.policy = 'quarantine'
  if (who === 'stranger, refused') house.policy = 'refuse'
  const credentials: Partial<Record<Caller, Credential>> = {
    'node by password': one,
    'node by certificate': two,
    service: { id: '_manager', username: '_manager', password: house.managerSecret },
    'revoked node': revoked,
    'removed node': removed,
    'wrong password': { id: '01', username: '01', password: 'guessed' },
  }
  const eye = async () => {
    const { client } = await house.connect({ id: watcher, username: watcher, password: '' })
    await client.subscribe({ '#': 2, '$SYS/#': 2, '$iot/#': 2, '$share/#': 2 })
    await client.ping()
    return client
  }
  const watching = await eye()
  const idle = house.broker.health().clients!
  let address = 0
  const world: World = {
    house,
    who,
    credential: credentials[who] ?? null,
    client: null,
    from: () => `127.1.${(++address >> 8) & 255}.${address & 255 || 1}`,
    async look() {
      await world.client?.cut()
      // All are gone, and what they left behind has its turn before the last of these.
      while (house.broker.health().clients! > idle) await new Promise(setImmediate)
      for (let i = 0; i < 5; i++)
        await house.broker.publish({ topic: 'iot/end', payload: Buffer.from(`${i}`), qos: 1, retain: false })
      await watching.until(() => watching.received.includes('iot/end 4'))
      const late = await eye()
      const events = house.events().map(event => ({ rejected: event.kind === 'reject', text: textOf(event) }))
      const retained = late.messages.filter(({ retain }) => retain).map(({ payload }) => payload.toString())
      return {
        of(mark) {
          const forwarded = watching.messages.some(({ payload }) => payload.includes(`${mark}`))
          const found = events.filter(({ text }) => text.includes(`${mark}`))
          return { forwarded, judged: found.length > 0, accepted: found.some(({ rejected }) => !rejected) }
        },
        retained: mark => retained.some(text => text.includes(`${mark}`)),
      }
    },
  }
  return world
}

/** An event's own words, raw bytes included. */
const textOf = (event: JournalEvent): string =>
  JSON.stringify({ ...event, arrived: 0, time: 0 }) + (event.kind === 'reject' ? Buffer.from(event.raw).toString() : '')

async function attempt(world: World, action: Action, topic: string, mark: number): Promise<void> {
  const { house, who, credential } = world
  const payload = payloadFor(topic, mark, !action.startsWith('will'))
  if (action.startsWith('will')) {
    const client = await house.open(credential, { from: world.from() })
    client.sendBytes(connectWith(credential, { topic, payload, retain: action === 'will retained' }))
    await client.expect('connack').catch(() => null)
    await client.cut()
    return
  }
  const bytes = publishPacket(topic, payload, action)
  if (!maySpeak(who)) {
    // Right behind a CONNECT that will be refused.
    const client = await house.open(credential, { from: world.from() })
    client.sendBytes(Buffer.concat([connectWith(credential), bytes]))
    await client.closed
    return
  }
  if (world.client === null || world.client.socket.destroyed) {
    world.client = await house.open(credential, { from: world.from() })
    world.client.sendBytes(connectWith(credential))
    expect((await world.client.expect('connack')).returnCode).toBe(0)
  }
  const { client } = world
  client.sendBytes(bytes)
  await client.ping().catch(() => client.closed)
}

async function subscribeTo({ who, credential }: World, client: RawClient, filter: string): Promise<boolean> {
  client.sendBytes(Buffer.concat([connectWith(credential), subscribePacket(filter)]))
  if (!maySpeak(who)) await client.closed
  const suback = await client.expect('suback').catch(() => null)
  const code = suback?.granted[0]
  return code === 0 || code === 1
}

/** What ingest takes for good if it gets it: a reading, a status, an ack that nobody waits for, or just the number. */
function payloadFor(topic: string, mark: number, online: boolean): string {
  const id = topic.split('/')[2]
  const node_id = `node_${id}`
  if (topic.endsWith('/telemetry')) return JSON.stringify({ node_id, sensors: { t: mark } })
  if (topic.endsWith('/status')) return JSON.stringify({ node_id, online, uptime: mark })
  if (topic.endsWith('/ack')) return JSON.stringify({ node_id, command: `c${mark}`, state: 'done' })
  return JSON.stringify({ mark })
}

// mqtt-packet refuses to write what is wrong, so these are written by hand.

function connectWith(credential: Credential | null, will?: { topic: string; payload: string; retain: boolean }): Buffer {
  const { username, password } = connectPacket(credential !== null && 'password' in credential ? { ...credential } : {})
  const flags = 2 | (will ? 4 | 8 | (will.retain ? 32 : 0) : 0) | (username === undefined ? 0 : 0xc0)
  const fields = [text(''), ...(will ? [text(will.topic), text(will.payload)] : [])]
  if (username !== undefined) fields.push(text(username), text(password ?? ''))
  return packet(0x10, [text('MQTT'), Buffer.from([4, flags, 0, 60]), ...fields])
}

let packetId = 0
const nextId = (): Buffer => {
  packetId = (packetId % 60_000) + 1
  return Buffer.from([packetId >> 8, packetId & 255])
}

function publishPacket(topic: string, payload: string, action: Action): Buffer {
  const qos = action === 'publish at QoS 0' ? 0 : action === 'publish at QoS 2' ? 2 : 1
  const first = 0x30 | (qos << 1) | (action === 'publish retained' ? 1 : 0)
  return packet(first, [text(topic), ...(qos > 0 ? [nextId()] : []), Buffer.from(payload)])
}

const subscribePacket = (filter: string): Buffer => packet(0x82, [nextId(), text(filter), Buffer.from([1])])

function text(value: string | Uint8Array): Buffer {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

function packet(first: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  const length: number[] = []
  for (let left = body.length; length.length === 0 || left > 0; left >>= 7) length.push((left & 127) | (left > 127 ? 128 : 0))
  return Buffer.concat([Buffer.from([first, ...length]), body])
}
