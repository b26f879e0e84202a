import { expect, test } from 'vitest'
import type { BrokerNotice } from '../broker/broker.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { openMessages } from '../fleet/messages/messages.ts'
import { ManualClock } from '../kit/clock.ts'
import { type Notice, watchNotices } from './notices.ts'

function watched(nodes: Record<string, { virtual: boolean; name: string | null }> = {}) {
  const clock = new ManualClock()
  const messages = openMessages({ clock, spoke: [], isKnown: () => true })
  const told: Notice[] = []
  watchNotices(
    messages,
    { node: (id: string) => nodes[id] } as unknown as Pick<Fleet, 'node'>,
    clock,
    notice => void told.push(notice),
  )
  const refused = (user: string, port = 1): BrokerNotice => ({
    kind: 'refused',
    why: 'credentials',
    user,
    client: user,
    address: `10.0.0.7:${port}`,
    got: null,
  })
  const reading = (node: string) =>
    messages.apply(
      {
        events: [
          {
            kind: 'reading',
            node,
            arrived: 1,
            time: 1,
            boot: null,
            seq: null,
            names: ['a', 'b', 'wifi_rssi'],
            values: [1, 2, 3],
          },
        ],
        end: { segment: 0, offset: 1 },
      },
      true,
    )
  return { clock, messages, told, refused, reading }
}

test("a node's first reading is told once, by its name; a virtual one's is not", () => {
  const { told, reading } = watched({ '01': { virtual: false, name: 'Kitchen' }, 'sim-1': { virtual: true, name: null } })
  for (const node of ['01', 'sim-1', '01']) reading(node)
  expect(told).toMatchObject([
    { kind: 'first_reading', subject: '01', text: 'Kitchen spoke for the first time: 2 sensors (a, b)' },
  ])
})

test('the same about the same is told once a minute, whatever the port; another subject at once', () => {
  const { clock, messages, told, refused } = watched()
  for (let i = 0; i < 30; i++) {
    messages.notice(refused('01', i))
    clock.advance(1000)
  }
  messages.notice(refused('02'))
  expect(told.map(({ kind, subject }) => [kind, subject])).toEqual([
    ['refused', '01 10.0.0.7'],
    ['refused', '02 10.0.0.7'],
  ])
  clock.advance(31_000)
  messages.notice(refused('01'))
  expect(told).toHaveLength(3)
  expect(told[2]!.text).toContain('espalier node rotate 01')
})

test('a crowd of strangers is twenty lines a minute', () => {
  const { clock, messages, told, refused } = watched()
  for (let i = 0; i < 300; i++) {
    messages.notice(refused(`u${i}`))
    clock.advance(150)
  }
  expect(told).toHaveLength(20)
})
