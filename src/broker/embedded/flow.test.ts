import { describe, expect, test } from 'vitest'
import { passwords, testBroker } from '../../../test/broker/broker.ts'
import { openSocket, type RawClient, rawClient } from '../../../test/broker/client.ts'

const telemetry = (id: string): string => `iot/node/${id}/telemetry`
const as = (username: string) => ({ username, password: passwords[username]! })

/** A subscriber that takes nothing from its socket from now on. */
async function frozen(port: number, filter: string, qos: 0 | 1, who: object = {}): Promise<RawClient> {
  const client = await rawClient({ port, clientId: 'frozen', ...who })
  await client.subscribe({ [filter]: qos })
  client.socket.pause()
  return client
}

describe('a slow subscriber harms only itself', () => {
  test('unacknowledged messages stop at the window: 32 for a node, 2,048 for others', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 5_000 } })
    const node = await rawClient({ port, auto: false, ...as('01') })
    await node.subscribe({ 'iot/broker/status': 1 })
    const local = await rawClient({ port, auto: false })
    await local.subscribe({ 'iot/broker/status': 1 })
    const send = (n: number) =>
      Promise.all(
        Array.from({ length: n }, (_, i) =>
          broker.publish({ topic: 'iot/broker/status', payload: Buffer.from(`${i}`), qos: 1, retain: false }),
        ),
      )
    await send(2_100)
    await local.until(() => local.messages.length === 2_048)
    await Promise.all([local.ping(), node.ping()])
    expect(local.messages.length).toBe(2_048)
    expect(node.messages.length).toBe(32)
    node.send({ cmd: 'puback', messageId: node.messages[0]!.messageId! })
    await node.until(() => node.messages.length === 33)
    expect(node.messages.map(({ payload }) => Number(payload.toString()))).toEqual(Array.from({ length: 33 }, (_, i) => i))
    expect(broker.health()).toMatchObject({ inflight: 2_048 + 32, queued: 52 + 2_067, droppedTotal: 0 })
  })

  test('beyond the queue the oldest goes, counted by session', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 10, windowLocal: 5 } })
    const reader = await rawClient({ port, clientId: 'slow', auto: false })
    await reader.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port })
    for (let i = 0; i < 40; i++) await node.publish(telemetry('01'), `${i}`, 1)
    expect(broker.sessions().find(({ client }) => client === 'slow')).toMatchObject({ queued: 10, inflight: 5, dropped: 25 })
    reader.auto = true
    for (const { messageId } of reader.messages) reader.send({ cmd: 'puback', messageId: messageId! })
    await reader.until(() => reader.messages.length === 15)
    expect(reader.messages.map(({ payload }) => Number(payload.toString()))).toEqual([
      0, 1, 2, 3, 4, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
    ])
    expect(broker.health().droppedTotal).toBe(25)
  })

  test('bytes bound the queue too', async () => {
    const { port, broker } = await testBroker({ limits: { queueBytes: 10_000, windowLocal: 1 } })
    const reader = await rawClient({ port, clientId: 'slow', auto: false })
    await reader.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port })
    for (let i = 0; i < 20; i++) await node.publish(telemetry('01'), Buffer.alloc(1_000), 1)
    expect(broker.sessions().find(({ client }) => client === 'slow')).toMatchObject({ queued: 10, dropped: 9 })
  })

  test('a frozen socket loses QoS 0 past its bound, counted, while others get everything', async () => {
    const { port, broker } = await testBroker()
    await frozen(port, 'iot/#', 0)
    const lively = await rawClient({ port })
    await lively.subscribe({ 'iot/#': 0 })
    const node = await rawClient({ port })
    const payload = Buffer.alloc(20_000)
    for (let i = 0; i < 600; i++) await node.publish(telemetry('01'), payload, 1)
    await lively.until(() => lively.messages.length === 600)
    const sessions = broker.sessions()
    expect(sessions.find(({ client }) => client === 'frozen')!.dropped).toBeGreaterThan(0)
    expect(sessions.filter(({ client }) => client !== 'frozen').every(({ dropped }) => dropped === 0)).toBe(true)
  })

  test('a socket that takes nothing for long is closed', async () => {
    const { port, broker } = await testBroker({ limits: { stuckMs: 700 } })
    await frozen(port, 'iot/#', 0)
    const node = await rawClient({ port })
    for (let i = 0; i < 600; i++) await node.publish(telemetry('01'), Buffer.alloc(20_000), 1)
    await expect.poll(() => broker.health().clients, { timeout: 10_000 }).toBe(1)
  })

  test('a full socket holds QoS 1 back in the queue and goes on in order when it is read again', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 2_000, queueBytes: 1e9, windowBytes: 1e9 } })
    const reader = await frozen(port, 'iot/#', 1)
    const node = await rawClient({ port })
    for (let i = 0; i < 700; i++) await node.publish(telemetry('01'), `${i}`.padEnd(20_000), 1)
    expect(broker.sessions().find(({ client }) => client === 'frozen')!.queued).toBeGreaterThan(0)
    reader.socket.resume()
    await reader.until(() => reader.messages.length === 700)
    expect(reader.messages.map(({ payload }) => Number(payload.toString()))).toEqual(Array.from({ length: 700 }, (_, i) => i))
  })
})

describe('services are not outrun', () => {
  test('publishers wait while a service is behind, and nothing is lost to it', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 100, windowService: 50 } })
    const service = await rawClient({ port, clientId: 's', auto: false, ...as('_telegraf') })
    await service.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port })
    const published = Promise.all(Array.from({ length: 3_000 }, (_, i) => node.publish(telemetry('01'), `${i}`, 1)))
    await service.until(() => service.messages.length === 50)
    await expect.poll(() => broker.sessions()[0]!.queued).toBeGreaterThan(50)
    const accepted = () => node.packets.filter(({ cmd }) => cmd === 'puback').length
    expect(accepted()).toBeLessThan(300)
    service.auto = true
    for (const { messageId } of service.messages) service.send({ cmd: 'puback', messageId: messageId! })
    await published
    await service.until(() => service.messages.length === 3_000)
    expect(service.messages.map(({ payload }) => Number(payload.toString()))).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
    expect(broker.health().droppedTotal).toBe(0)
  })

  test('while a service is behind, a publisher is read no further than its first message', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 100, windowService: 50 } })
    const service = await rawClient({ port, clientId: 's', auto: false, ...as('_telegraf') })
    await service.subscribe({ 'iot/#': 1 })
    for (let i = 0; i < 110; i++) {
      await broker.publish({ topic: telemetry('01'), payload: Buffer.from(`${i}`), qos: 1, retain: false })
    }
    expect(broker.sessions()[0]!.queued).toBe(60)
    const late = await rawClient({ port })
    const before = broker.health().messagesIn!
    const published = Promise.all(Array.from({ length: 20 }, (_, i) => late.publish(telemetry('02'), `${i}`, 1)))
    await late.until(() => late.packets.some(({ cmd }) => cmd === 'puback'))
    await service.ping()
    expect(broker.health().messagesIn! - before).toBe(1)
    service.auto = true
    for (const { messageId } of service.messages) service.send({ cmd: 'puback', messageId: messageId! })
    await published
    expect(broker.health().messagesIn! - before).toBe(20)
  })

  test('one that takes nothing for long slows nobody any more', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 100, windowService: 50, stuckMs: 600 } })
    const service = await rawClient({ port, clientId: 's', auto: false, ...as('_telegraf') })
    await service.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port })
    await Promise.all(Array.from({ length: 3_000 }, (_, i) => node.publish(telemetry('01'), `${i}`, 1)))
    expect(broker.sessions()[0]).toMatchObject({ queued: 100, dropped: 3_000 - 150 })
  })

  test('a service that leaves while it is behind lets publishers go on', async () => {
    const { port } = await testBroker({ limits: { queueMessages: 100, windowService: 50 } })
    const service = await rawClient({ port, clientId: 's', auto: false, ...as('_telegraf') })
    await service.subscribe({ 'iot/#': 1 })
    const node = await rawClient({ port })
    const published = Promise.all(Array.from({ length: 3_000 }, (_, i) => node.publish(telemetry('01'), `${i}`, 1)))
    await service.until(() => service.messages.length === 50)
    await service.cut()
    await published
  })
})

describe('a fast publisher is slowed', () => {
  test('it is not read further than its share, and nothing of it is lost', async () => {
    const { port, hold, release, accepted } = await testBroker({ limits: { inboxMessages: 50 } })
    const flood = await rawClient({ port })
    hold()
    const published = Promise.all(Array.from({ length: 5_000 }, (_, i) => flood.publish(telemetry('01'), `${i}`, 1)))
    const other = await openSocket(port)
    other.destroy()
    release()
    await published
    expect(accepted.map(({ payload }) => Number(Buffer.from(payload).toString()))).toEqual(
      Array.from({ length: 5_000 }, (_, i) => i),
    )
  })

  test("one client's flood does not delay another: clients take turns", async () => {
    const groups: string[][] = []
    let letGo: () => void = () => {}
    const first = new Promise<void>(resolve => {
      letGo = resolve
    })
    const { port } = await testBroker(
      { limits: { groupMessages: 200 } },
      {
        accept: async group => {
          groups.push(group.map(({ topic }) => topic))
          if (groups.length === 1) await first
        },
      },
    )
    const flood = await rawClient({ port })
    const lone = await rawClient({ port })
    const published: Promise<unknown>[] = [flood.publish(telemetry('flood'), 'x', 1)]
    await expect.poll(() => groups.length).toBe(1)
    for (let i = 0; i < 900; i++) published.push(flood.publish(telemetry('flood'), 'x', 1))
    await flood.ping()
    published.push(lone.publish(telemetry('lone'), 'x', 1))
    await lone.ping()
    letGo()
    await Promise.all(published)
    expect(groups[1]).toContain(telemetry('lone'))
  })

  test('while nothing commits, all together are bounded; then all goes on', async () => {
    const { port, hold, release, accepted } = await testBroker({ limits: { pendingMessages: 100 } })
    const nodes = await Promise.all(Array.from({ length: 10 }, () => rawClient({ port })))
    hold()
    const published = nodes.flatMap((node, n) =>
      Array.from({ length: 200 }, (_, i) => node.publish(telemetry(`n${n}`), `${i}`, 1)),
    )
    await nodes[0]!.publish('iot/x', '', 0)
    release()
    await Promise.all(published)
    expect(accepted.length).toBe(2_000)
  })
})
