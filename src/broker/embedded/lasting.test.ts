import { cp, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folder, testBroker } from '../../../test/broker/broker.ts'
import { rawClient, tryRawClient } from '../../../test/broker/client.ts'

const telemetry = 'iot/node/01/telemetry'
const status = 'iot/node/01/status'
const will = (payload: object) => ({ topic: status, payload: JSON.stringify(payload), qos: 1, retain: true }) as const

describe('sessions', () => {
  test('a clean session is forgotten, a persistent one waits with its messages', async () => {
    const { port } = await testBroker()
    const first = await tryRawClient({ port, clientId: 'r', clean: false })
    expect(first.sessionPresent).toBe(false)
    await first.client.subscribe({ 'iot/#': 1 })
    await first.client.disconnect()
    const node = await rawClient({ port })
    for (const qos of [0, 1, 2] as const) await node.publish(telemetry, `${qos}`, qos)
    const second = await tryRawClient({ port, clientId: 'r', clean: false })
    expect(second.sessionPresent).toBe(true)
    await second.client.until(() => second.client.messages.length === 2)
    expect(second.client.messages.map(({ payload, dup }) => [payload.toString(), dup])).toEqual([
      ['1', false],
      ['2', false],
    ])
    await second.client.disconnect()
    const third = await tryRawClient({ port, clientId: 'r', clean: true })
    expect(third.sessionPresent).toBe(false)
    await third.client.disconnect()
    const fourth = await tryRawClient({ port, clientId: 'r', clean: false })
    expect(fourth.sessionPresent).toBe(false)
  })

  test('what was not acknowledged comes again, marked DUP, in its order and before what waits', async () => {
    const { port, broker } = await testBroker()
    const reader = await rawClient({ port, clientId: 'r', clean: false, auto: false })
    await reader.subscribe({ 'iot/#': 2 })
    const node = await rawClient({ port })
    for (let i = 0; i < 4; i++) await node.publish(telemetry, `${i}`, i % 2 === 0 ? 1 : 2)
    await reader.until(() => reader.messages.length === 4)
    const ids = reader.messages.map(({ messageId }) => messageId)
    reader.send({ cmd: 'puback', messageId: ids[0]! })
    reader.send({ cmd: 'pubrec', messageId: ids[1]! })
    await reader.expect('pubrel', ids[1])
    await reader.cut()
    await expect.poll(() => broker.health().clients).toBe(1)
    await node.publish(telemetry, '4', 1)
    const again = await rawClient({ port, clientId: 'r', clean: false, auto: false })
    await again.until(() => again.messages.length === 3 && again.packets.some(({ cmd }) => cmd === 'pubrel'))
    expect(again.packets.slice(1).map(packet => [packet.cmd, packet.messageId, 'dup' in packet && packet.dup])).toEqual([
      ['pubrel', ids[1], false],
      ['publish', ids[2], true],
      ['publish', ids[3], true],
      ['publish', again.messages[2]!.messageId, false],
    ])
  })

  test('sessions, messages, QoS 2 ids and retained messages survive a restart', async () => {
    const keepDir = await folder()
    const before = await testBroker({ keepDir })
    const reader = await rawClient({ port: before.port, clientId: 'r', clean: false, auto: false })
    await reader.subscribe({ [telemetry]: 2 })
    const node = await rawClient({ port: before.port, clientId: 'n', clean: false, auto: false })
    for (let i = 0; i < 3; i++) await node.publish(telemetry, `${i}`, 1)
    await node.publish(status, 'kept', 1, true)
    const settled = {
      cmd: 'publish',
      topic: 'iot/node/02/telemetry',
      payload: 'settled',
      qos: 2,
      retain: false,
      dup: false,
      messageId: 98,
    } as const
    node.send(settled)
    await node.expect('pubrec', 98)
    node.send({ cmd: 'pubrel', messageId: 98 })
    await node.expect('pubcomp', 98)
    node.send({ cmd: 'publish', topic: telemetry, payload: 'open', qos: 2, retain: false, dup: false, messageId: 99 })
    await node.expect('pubrec', 99)
    await reader.until(() => reader.messages.length === 4)
    reader.send({ cmd: 'puback', messageId: reader.messages[0]!.messageId! })
    reader.send({ cmd: 'pubrec', messageId: reader.messages[3]!.messageId! })
    await reader.expect('pubrel')
    await reader.disconnect()
    await before.broker.close()

    const after = await testBroker({ keepDir })
    const publisher = await tryRawClient({ port: after.port, clientId: 'n', clean: false, auto: false })
    expect(publisher.sessionPresent).toBe(true)
    publisher.client.send({ cmd: 'publish', topic: telemetry, payload: 'open', qos: 2, retain: false, dup: true, messageId: 99 })
    await publisher.client.expect('pubrec', 99)
    expect(after.accepted).toEqual([])
    publisher.client.send(settled)
    await publisher.client.expect('pubrec', 98)
    expect(after.accepted.length).toBe(1)
    const back = await tryRawClient({ port: after.port, clientId: 'r', clean: false })
    expect(back.sessionPresent).toBe(true)
    await back.client.subscribe({ [status]: 1 })
    await back.client.until(() => back.client.messages.length === 3)
    expect(back.client.messages.map(({ payload, dup, retain }) => [payload.toString(), dup, retain])).toEqual([
      ['1', true, false],
      ['2', true, false],
      ['kept', false, true],
    ])
    expect(back.client.packets.some(({ cmd }) => cmd === 'pubrel')).toBe(true)
  })

  test('a message for an absent persistent session is on the disk when its publisher hears of it', async () => {
    const keepDir = await folder()
    const { port, broker } = await testBroker({ keepDir })
    const reader = await rawClient({ port, clientId: 'r', clean: false })
    await reader.subscribe({ 'iot/#': 1 })
    await reader.disconnect()
    const node = await rawClient({ port })
    await node.publish(telemetry, 'needle-in-the-keep', 1)
    const log = (await readdir(keepDir)).filter(file => file.endsWith('.log'))
    const written = await Promise.all(log.map(file => readFile(join(keepDir, file), 'latin1')))
    expect(written.join('')).toContain('needle-in-the-keep')
    expect(broker.health().queued).toBe(1)
  })

  test('a damaged keep is moved aside and reported, and the broker starts empty', async () => {
    const keepDir = await folder()
    const before = await testBroker({ keepDir })
    await (await rawClient({ port: before.port })).publish(status, 'kept', 1, true)
    await before.broker.close()
    for (const file of await readdir(keepDir)) {
      if (/^(MANIFEST|CURRENT)/.test(file)) await writeFile(join(keepDir, file), 'no such thing')
    }
    const after = await testBroker({ keepDir })
    expect(after.alarms).toHaveLength(1)
    expect(after.alarms[0]).toContain('moved to')
    expect(after.broker.health()).toMatchObject({ up: true, detail: after.alarms[0] })
    expect((await readdir(dirname(keepDir))).filter(name => name.startsWith('keep.damaged-'))).toHaveLength(1)
    const reader = await rawClient({ port: after.port })
    await reader.subscribe({ [status]: 1 })
    await reader.publish(status, 'new', 1, true)
    await reader.expect('publish')
    expect(reader.received).toEqual([`${status} new`])
  })

  test('a byte flipped in the log of the keep is reported, and the rest is there', async () => {
    const keepDir = await folder()
    const before = await testBroker({ keepDir })
    const node = await rawClient({ port: before.port })
    for (let i = 0; i < 20; i++) await node.publish(`iot/node/${i}/status`, `${i}`.padEnd(5_000), 1, true)
    await before.broker.close()
    for (const file of (await readdir(keepDir)).filter(name => name.endsWith('.log'))) {
      const bytes = await readFile(join(keepDir, file))
      bytes[bytes.length >> 1]! ^= 1
      await writeFile(join(keepDir, file), bytes)
    }
    const after = await testBroker({ keepDir })
    expect(after.alarms).toEqual([expect.stringContaining('damaged in part')])
    const reader = await rawClient({ port: after.port })
    await reader.subscribe({ 'iot/#': 1 })
    await reader.expect('publish')
    expect(after.broker.health().up).toBe(true)
  })

  test('a byte flipped in a table of the keep is found, wherever it is: moved aside or read whole', async () => {
    const keepDir = await folder()
    const before = await testBroker({ keepDir })
    await (await rawClient({ port: before.port })).publish(status, 'x'.repeat(600), 1, true)
    await before.broker.close()
    await (await testBroker({ keepDir })).broker.close() // the log becomes a table
    const table = (await readdir(keepDir)).find(name => name.endsWith('.ldb'))!
    const whole = await readFile(join(keepDir, table))
    for (let at = 3; at < whole.length; at += 61) {
      const copy = `${keepDir}-${at}`
      await cp(keepDir, copy, { recursive: true })
      const bytes = Buffer.from(whole)
      bytes[at]! ^= 4
      await writeFile(join(copy, table), bytes)
      const after = await testBroker({ keepDir: copy })
      const reader = await rawClient({ port: after.port })
      await reader.subscribe({ [status]: 1 })
      await reader.ping()
      const same = reader.received[0] === `${status} ${'x'.repeat(600)}`
      expect(same ? [] : after.alarms.map(text => text.slice(0, 50))).toEqual(
        same ? [] : [expect.stringContaining('were damaged')],
      )
      await after.broker.close()
    }
  })

  test('a keep that another process holds is an error of its own, not damage', async () => {
    const keepDir = await folder()
    await testBroker({ keepDir })
    await expect(testBroker({ keepDir })).rejects.toMatchObject({ cause: { code: 'LEVEL_LOCKED' } })
    expect(await readdir(dirname(keepDir))).toEqual(['keep'])
  })
})

describe('take-over', () => {
  test('the old connection is closed, then its will comes, then what the new one says', async () => {
    const { port } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ [status]: 1 })
    const old = await rawClient({ port, clientId: 'n', will: { topic: status, payload: 'will', qos: 1 } })
    const fresh = await rawClient({ port, clientId: 'n' })
    await old.closed
    await fresh.publish(status, 'birth', 1)
    await reader.until(() => reader.messages.length === 2)
    expect(reader.received).toEqual([`${status} will`, `${status} birth`])
  })

  test('300 fast ones leave one client, one session and 299 wills', async () => {
    const { port, broker, accepted } = await testBroker()
    for (let i = 0; i < 300; i++) await rawClient({ port, clientId: 'n', will: { topic: status, payload: `${i}`, qos: 1 } })
    await expect.poll(() => accepted.length).toBe(299)
    expect(accepted.map(({ payload }) => Number(Buffer.from(payload).toString()))).toEqual(
      Array.from({ length: 299 }, (_, i) => i),
    )
    expect(broker.health().clients).toBe(1)
    expect(broker.sessions()).toHaveLength(1)
  })

  test('a persistent session changes hands with what is under way', async () => {
    const { port } = await testBroker()
    const old = await rawClient({ port, clientId: 'r', clean: false, auto: false })
    await old.subscribe({ [telemetry]: 1 })
    await old.publish(telemetry, 'x', 1)
    await old.expect('publish')
    const fresh = await tryRawClient({ port, clientId: 'r', clean: false })
    expect(fresh.sessionPresent).toBe(true)
    expect(await fresh.client.expect('publish')).toMatchObject({ dup: true })
    await old.closed
  })
})

describe('wills', () => {
  test('published when the connection is lost, not after DISCONNECT', async () => {
    const { port } = await testBroker()
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 1 })
    const polite = await rawClient({ port, will: { topic: telemetry, payload: 'polite', qos: 1 } })
    await polite.disconnect()
    const lost = await rawClient({ port, will: { topic: telemetry, payload: 'lost', qos: 1 } })
    await lost.publish(telemetry, 'last words', 1)
    await lost.cut()
    await reader.until(() => reader.messages.length === 2)
    expect(reader.received).toEqual([`${telemetry} last words`, `${telemetry} lost`])
  })

  test('published for a violation of the protocol', async () => {
    const { port, accepted } = await testBroker()
    const client = await rawClient({ port, will: { topic: status, payload: 'w', qos: 0 } })
    client.sendBytes(Buffer.from([0xf0, 0]))
    await client.closed
    await expect.poll(() => accepted.map(({ topic }) => topic)).toEqual([status])
  })

  test('one that names an earlier boot than the last birth is not published', async () => {
    const { port, accepted } = await testBroker()
    const lagging = await rawClient({ port, clientId: 'a', will: will({ node_id: 'node_01', online: false, boot: 1 }) })
    await lagging.publish(status, JSON.stringify({ node_id: 'node_01', online: true, boot: 1 }), 1, true)
    const fresh = await rawClient({ port, clientId: 'b', will: will({ node_id: 'node_01', online: false, boot: 2 }) })
    await fresh.publish(status, JSON.stringify({ node_id: 'node_01', online: true, boot: 2 }), 1, true)
    await lagging.cut()
    const reader = await rawClient({ port })
    await expect.poll(() => accepted.length).toBe(2)
    await reader.subscribe({ [status]: 1 })
    expect(JSON.parse((await reader.expect('publish')).payload.toString())).toMatchObject({ online: true, boot: 2 })
    await fresh.cut()
    await expect.poll(() => accepted.length).toBe(3)
    expect(JSON.parse(Buffer.from(accepted[2]!.payload).toString())).toEqual({ node_id: 'node_01', online: false, boot: 2 })
  })

  test('one without a boot counts, and so does one of a node that never had a birth', async () => {
    const { port, accepted } = await testBroker()
    const one = await rawClient({ port, will: will({ node_id: 'node_01', online: false, boot: 5 }) })
    await one.cut()
    const two = await rawClient({ port, will: will({ node_id: 'node_01', online: false }) })
    await two.publish(status, JSON.stringify({ node_id: 'node_01', online: true, boot: 6 }), 1)
    await two.cut()
    await expect.poll(() => accepted.length).toBe(3)
  })

  test('the boot of the retained status is known after a restart', async () => {
    const keepDir = await folder()
    const before = await testBroker({ keepDir })
    await (await rawClient({ port: before.port })).publish(
      status,
      JSON.stringify({ node_id: 'node_01', online: true, boot: 8 }),
      1,
      true,
    )
    await before.broker.close()
    const after = await testBroker({ keepDir })
    await (await rawClient({ port: after.port, will: will({ node_id: 'node_01', online: false, boot: 7 }) })).cut()
    await (await rawClient({ port: after.port, will: will({ node_id: 'node_01', online: false, boot: 8 }) })).cut()
    await expect.poll(() => after.accepted.map(({ payload }) => JSON.parse(Buffer.from(payload).toString()).boot)).toEqual([8])
  })

  test('one on a forbidden topic is denied and counted', async () => {
    const { port, broker, accepted } = await testBroker()
    await (await rawClient({ port, will: { topic: 'iot/node/01/command', payload: 'x' } })).cut()
    await expect.poll(() => broker.health().denied).toEqual({ anonymous: 1 })
    expect(accepted).toEqual([])
  })
})

describe('retained', () => {
  test('the last one comes to each new subscription with the flag; later ones without it', async () => {
    const { port } = await testBroker()
    const node = await rawClient({ port })
    await node.publish(status, 'old', 1, true)
    await node.publish(status, 'new', 0, true)
    await node.publish(telemetry, 'not kept', 1)
    const reader = await rawClient({ port })
    await reader.subscribe({ 'iot/#': 1 })
    await reader.expect('publish')
    await reader.subscribe({ 'iot/+/+/status': 1 })
    await node.publish(status, 'live', 1, true)
    await reader.until(() => reader.messages.length === 3)
    expect(reader.messages.map(({ payload, retain, qos }) => [payload.toString(), retain, qos])).toEqual([
      ['new', true, 0],
      ['new', true, 0],
      ['live', false, 1],
    ])
  })

  test("a client's own retained message is there for the SUBSCRIBE behind it in the same bytes", async () => {
    const { port } = await testBroker()
    const client = await rawClient({ port })
    client.send({ cmd: 'publish', topic: status, payload: 'mine', qos: 0, retain: true, dup: false })
    await client.subscribe({ [status]: 1 })
    expect(await client.expect('publish')).toMatchObject({ retain: true })
  })

  test('an empty payload clears it, and still goes to those who are there', async () => {
    const keepDir = await folder()
    const before = await testBroker({ keepDir })
    const client = await rawClient({ port: before.port })
    await client.subscribe({ [status]: 1 })
    await client.publish(status, 'x', 1, true)
    await client.publish(status, '', 1, true)
    await client.until(() => client.messages.length === 2)
    expect(before.broker.health().retained).toBe(9) // the broker's own $SYS
    await before.broker.close()
    const after = await testBroker({ keepDir })
    const late = await rawClient({ port: after.port })
    await late.subscribe({ [status]: 1 })
    await late.ping()
    expect(late.messages).toEqual([])
  })

  test('beyond the bound new topics are delivered but not kept, and the operator is told once', async () => {
    const { port, alarms } = await testBroker({ limits: { retainedTopics: 12 } })
    const client = await rawClient({ port })
    await client.subscribe({ 'iot/#': 1 })
    for (let i = 0; i < 6; i++) await client.publish(`iot/node/${i}/status`, 'x', 1, true)
    await client.until(() => client.messages.length === 6)
    const late = await rawClient({ port })
    await late.subscribe({ 'iot/#': 1 })
    await late.until(() => late.messages.length === 3)
    await late.ping()
    expect(late.messages.length).toBe(3)
    expect(alarms).toHaveLength(1)
  })

  test('a large retained burst neither overruns the queue nor the socket', async () => {
    const { port, broker } = await testBroker({ limits: { queueMessages: 10, windowLocal: 5, unsentBytes: 4_000 } })
    const node = await rawClient({ port })
    const kept: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) kept.push(node.publish(`iot/node/${i}/status`, `${i}`.padEnd(300), 1, true))
    await Promise.all(kept)
    for (const qos of [0, 1] as const) {
      const reader = await rawClient({ port })
      await reader.subscribe({ 'iot/node/+/status': qos })
      await reader.until(() => reader.messages.length === 300)
      expect(new Set(reader.messages.map(({ topic }) => topic)).size).toBe(300)
    }
    expect(broker.health().droppedTotal).toBe(0)
  })
})
