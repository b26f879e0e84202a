import { expect, test } from 'vitest'
import type { CommandView } from '../../api/commands.ts'
import { ManualClock } from '../../kit/clock.ts'
import { seeded } from '../../kit/random.ts'
import { createMemoryRecords } from '../../store/memory/records.ts'
import { type CommandQueue, openCommandQueue } from './queue.ts'

/** A command that brings a node new credentials: the node gets them, and nobody else ever does. */
const marker = 'marker-secret'
const asked = {
  command: 'configure',
  params: {
    rev: 2,
    network: { wifi: { ssid: 'garden', password: marker }, broker: { user: '01', password: marker, key: marker } },
  },
}

async function house() {
  const clock = new ManualClock()
  const records = createMemoryRecords()
  const events: CommandView[] = []
  const published: string[] = []
  let reachable = false
  const open = async (sealKey = 'key'): Promise<CommandQueue> => {
    const random = seeded(7)
    const queue = await openCommandQueue({
      records,
      clock,
      random: bytes => bytes.fill(random.below(256)),
      sealKey,
      clockSuspect: () => false,
      nodeExists: () => true,
      delivery: () => ({ reachable, dedupe: true }),
      emit: command => events.push(command),
      problem: detail => events.push(detail as never),
    })
    queue.sendThrough({ sendCommand: async (_, payload) => void published.push(new TextDecoder().decode(payload)) })
    return queue
  }
  const kept = async (): Promise<string> => {
    const all: unknown[] = []
    for (const collection of ['commands', 'command_keys']) for await (const entry of records.list(collection)) all.push(entry)
    return JSON.stringify(all)
  }
  return { clock, records, events, published, open, kept, reach: () => void (reachable = true) }
}

test('no view of a command shows a secret, and its node gets it, over a restart too', async () => {
  const { events, published, open, kept, reach } = await house()
  const first = await open()
  const sent = await first.send('01', asked, 'test')
  if (!sent.ok) throw new Error(sent.detail)
  await first.close()
  expect(await kept()).not.toContain(marker)
  expect(published).toEqual([])

  reach()
  const queue = await open()
  expect(await kept()).not.toContain(marker)
  await queue.pump()
  expect(published).toHaveLength(1)
  expect(JSON.parse(published[0]!).params).toEqual(asked.params)
  const views = [sent.command, queue.get(sent.command.id), ...queue.list({ limit: 10 }), ...events]
  expect(JSON.stringify(views)).not.toContain(marker)
  expect(queue.get(sent.command.id)!.params).toMatchObject({ rev: 2, network: { wifi: { ssid: 'garden', password: '…' } } })

  queue.applyAck(
    {
      kind: 'ack',
      node: '01',
      arrived: 1,
      ack: { node_id: 'node_01', id: sent.command.id, command: 'configure', state: 'done' },
    },
    true,
    { version: null, confirmed: null },
  )
  queue.reached({ segment: 1, offset: 0 })
  expect(JSON.stringify(events)).not.toContain(marker)
  // Its end is written with the next write.
  await queue.send('01', { command: 'ping' }, 'test')
  expect(await kept()).not.toContain(marker)
  await queue.close()
})

test('what ends unsent or unanswered keeps no secret either', async () => {
  const { clock, open, kept, reach } = await house()
  const queue = await open()
  const cancelled = await queue.send('01', asked, 'test')
  if (!cancelled.ok) throw new Error(cancelled.detail)
  expect(JSON.stringify(await queue.cancel(cancelled.command.id))).not.toContain(marker)
  await queue.send('01', asked, 'test')
  clock.advance(400_000)
  await queue.tick()
  reach()
  await queue.send('01', asked, 'test')
  await queue.pump()
  clock.advance(400_000)
  await queue.tick()
  expect(queue.list({ limit: 10 }).map(({ state }) => state)).toEqual(['unknown', 'expired', 'cancelled'])
  expect(await kept()).not.toContain(marker)
  await queue.close()
})

test('what another key sealed is never sent, and ends', async () => {
  const { published, open, reach } = await house()
  const first = await open()
  const sent = await first.send('01', asked, 'test')
  if (!sent.ok) throw new Error(sent.detail)
  await first.close()
  reach()
  const queue = await open('another key')
  await queue.pump()
  expect(published).toEqual([])
  expect(queue.get(sent.command.id)).toMatchObject({ state: 'cancelled', params: { network: { wifi: { password: '…' } } } })
  await queue.close()
})

test('an idempotency key tells one secret from another without keeping it', async () => {
  const { clock, open, kept } = await house()
  const queue = await open()
  const send = (password: string) =>
    queue.send('01', { command: 'configure', params: { rev: 1, network: { broker: { password } } } }, 'test', 'key')
  expect(await send(marker)).toMatchObject({ ok: true, repeated: false })
  expect(await send(marker)).toMatchObject({ ok: true, repeated: true })
  expect(await send('another')).toMatchObject({ ok: false, why: 'conflict' })
  clock.advance(400_000)
  await queue.tick()
  expect(await kept()).not.toContain(marker)
  expect(await send(marker)).toMatchObject({ ok: true, repeated: true })
  await queue.close()
})
