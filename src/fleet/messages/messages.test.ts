import { describe, expect, test } from 'vitest'
import type { MessageView } from '../../api/messages.ts'
import type { BrokerNotice, Identity } from '../../broker/broker.ts'
import { type RejectReason, rejectDetail } from '../../contract/codes.ts'
import { decodeTelemetry } from '../../contract/decode.ts'
import type { JournalEvent } from '../../contract/events.ts'
import { ManualClock } from '../../kit/clock.ts'
import { faultPlace } from './fault-place.ts'
import { openMessages } from './messages.ts'
import { nearestTopic } from './nearest-topic.ts'

const utf8 = new TextEncoder()

function feed(more: { spoke?: string[]; known?: string[]; kept?: number } = {}) {
  const clock = new ManualClock()
  const messages = openMessages({
    clock,
    spoke: more.spoke ?? [],
    isKnown: user => (more.known ?? []).includes(user),
    ...(more.kept !== undefined && { kept: more.kept }),
  })
  const shown: MessageView[] = []
  messages.on(message => void shown.push(message))
  let offset = 0
  const apply = (events: JournalEvent[], live = true): void =>
    messages.apply({ events, end: { segment: 0, offset: ++offset } }, live)
  const all = () => messages.list({ limit: 1000 }).items
  return { clock, messages, shown, apply, all }
}

const reading = (node: string, time: number, fields: Record<string, number> = { t: 1 }, arrived = time): JournalEvent => ({
  kind: 'reading',
  node,
  arrived,
  time,
  boot: null,
  seq: null,
  names: Object.keys(fields),
  values: Object.values(fields),
})

const reject = (payload: string, reason: RejectReason, detail: string, node = '01'): JournalEvent => ({
  kind: 'reject',
  node,
  topic: `iot/node/${node}/telemetry`,
  arrived: 1,
  reason,
  detail,
  size: payload.length,
  raw: utf8.encode(payload),
  truncated: false,
  count: 1,
  indices: null,
  settles: null,
})

const local: Identity = { role: 'local', user: null }
const node01: Identity = { role: 'node', user: '01' }
const denied = (topic: string, identity: Identity = local, payload = 'x'): BrokerNotice => ({
  kind: 'denied',
  action: 'publish',
  identity,
  client: 'c',
  address: '10.0.0.7:4711',
  topic,
  payload: utf8.encode(payload),
})
const refused = (user: string | null, why: 'credentials' | 'anonymous' = 'credentials'): BrokerNotice => ({
  kind: 'refused',
  why,
  user,
  client: 'c',
  address: '10.0.0.7:4711',
  got: null,
})

describe('what was stored', () => {
  test('a message shows its points, newest message first', () => {
    const { apply, all } = feed()
    apply([reading('01', 1000, { temperature: 22.5 }), reading('02', 1001, { humidity: 40 })])
    expect(all()).toMatchObject([
      { node: '02', verdict: 'stored', points: [{ time: 1001, fields: { humidity: 40 } }], left_out: 0 },
      { node: '01', topic: 'iot/node/01/telemetry', detail: null, points: [{ time: 1000, fields: { temperature: 22.5 } }] },
    ])
  })

  test('a batch of 40 is one message that shows 16 of them', () => {
    const { apply, all } = feed()
    apply(Array.from({ length: 40 }, (_, i) => reading('01', 1000 + i, { t: i }, 5000)))
    expect(all()).toMatchObject([{ count: 40, time: 5000 }])
    expect(all()[0]!.points).toHaveLength(16)
  })

  test('repeats are a duplicate; ignored keys alone are nothing', () => {
    const { apply, all } = feed()
    const counts = { kind: 'counts', node: '01', arrived: 7, nullValues: 0, ignoredKeys: 0 } as const
    apply([{ ...counts, duplicates: 3 }])
    apply([{ ...counts, arrived: 8, duplicates: 0, ignoredKeys: 2 }])
    expect(all()).toMatchObject([{ verdict: 'duplicate', count: 3, points: [] }])
  })

  test('a replay shows nothing', () => {
    const { apply, all } = feed()
    apply([reading('01', 1000)], false)
    expect(all()).toEqual([])
  })
})

describe('bounds', () => {
  test('a node that shouts is thinned, leaves room for others, and what is left out is counted', () => {
    const { clock, apply, shown } = feed()
    for (let i = 0; i < 1000; i++) apply([reading('loud', 1000 + i)])
    apply([reading('quiet', 1000)])
    expect(shown.map(({ node }) => node)).toEqual([...Array<string>(10).fill('loud'), 'quiet'])
    expect(shown.at(-1)!.left_out).toBe(990)
    clock.advance(1000)
    apply([reading('loud', 9000)])
    expect(shown.at(-1)).toMatchObject({ node: 'loud', left_out: 0 })
  })

  test('a thousand nodes at once: 50 a second', () => {
    const { apply, shown } = feed()
    for (let i = 0; i < 1000; i++) apply([reading(`n${i}`, 1000)])
    expect(shown).toHaveLength(50)
  })

  test('what went well never pushes out what did not', () => {
    const { clock, messages, apply, all } = feed({ kept: 5 })
    messages.notice(denied('iot/nodes/01/telemetry'))
    for (let i = 0; i < 20; i++) {
      clock.advance(1000)
      apply([reading('01', 1000 + i)])
    }
    expect(all().map(({ verdict }) => verdict)).toEqual([...Array<string>(5).fill('stored'), 'wrong_topic'])
  })

  test('pages follow each other, by node and verdict too', () => {
    const { clock, messages, apply } = feed()
    for (let i = 0; i < 5; i++) {
      clock.advance(1000)
      apply([reading(i % 2 ? '02' : '01', i)])
    }
    const first = messages.list({ node: '01', limit: 2 })
    const second = messages.list({ node: '01', limit: 2, before: first.next! })
    expect([...first.items, ...second.items].map(({ time }) => time)).toEqual([4, 2, 0])
    expect(second.next).toBeNull()
    expect(messages.list({ verdict: 'rejected', limit: 10 }).items).toEqual([])
  })
})

describe('what was not stored', () => {
  const judged = (payload: string) => {
    const decoded = decodeTelemetry(utf8.encode(payload), { topicNode: '01', now: 1_704_844_900_000, clockSuspect: false })
    const { reason, detail } = decoded.ok ? decoded.rejects[0]! : decoded.reject
    const raw = decoded.ok ? new TextDecoder().decode(decoded.rejects[0]!.raw) : payload
    const at = faultPlace(reason, detail, raw)
    return { reason, marked: at && raw.slice(at.offset, at.offset + at.length), at }
  }

  test.each([
    ['{"node_id":"node_01","timestamp":1704844800000,"sensors":{"t":1}}', 'timestamp_in_ms', '1704844800000'],
    ['{"node_id":"node_01","timestamp":"now","sensors":{"t":1}}', 'timestamp_type', '"now"'],
    ['{"node_id":"node_01","timestamp":5,"sensors":{"t":1}}', 'timestamp_too_old', '5'],
    ['{"node_id":"node_02","sensors":{"t":1}}', 'node_id_mismatch', '"node_02"'],
    ['{"node_id":"node_01","sensors":{"Temp":1}}', 'bad_sensor_name', '"Temp"'],
    ['{"node_id":"node_01","sensors":{"uptime":1}}', 'reserved_name', '"uptime"'],
    ['{"node_id":"node_01","sensors":{"a":1,"t":"22.5 °C"}}', 'bad_sensor_value', '"22.5 °C"'],
    ['{"node_id":"node_01","t":1,"sensors":{"t":"x"}}', 'bad_sensor_value', '"x"'],
    ['{"node_id":"node_01","sensors":{"t":1},"uptime":"3 h"}', 'bad_sensor_value', '"3 h"'],
    ['{"node_id":"node_01","sensors":{}}', 'no_sensors', '{}'],
    ['{"node_id":"node_01","boot":"x","seq":1,"timestamp":1704844800,"sensors":{"t":1}}', 'bad_boot_seq', '"x"'],
    ['{"node_id":"node_01","sensors":{"t":nan}}', 'bad_json', 'nan'],
    ['{"node_id":"node_01","sensors":{"t":1,}}', 'bad_json', '}'],
    ['{"node_id":"node_01" "sensors":{"t":1}}', 'bad_json', '"'],
    ['{"node_id":"node_01","sensors":{"t', 'bad_json', '"t'],
    ["{'node_id':1}", 'bad_json', "'"],
    [
      '{"node_id":"node_01","readings":[{"timestamp":1704844800,"sensors":{"ok":1}},{"timestamp":1704844800000,"sensors":{"t":1}}]}',
      'timestamp_in_ms',
      '1704844800000',
    ],
  ])('%s: the place is marked', (payload, reason, marked) => {
    expect(judged(payload)).toMatchObject({ reason, marked })
  })

  test('a text that was cut is marked at its end', () => {
    const payload = '{"node_id":"node_01","sensors":{"t":1'
    expect(judged(payload).at).toEqual({ offset: payload.length, length: 0 })
  })

  test('it shows the raw text, the sentence and the place', () => {
    const { apply, all } = feed()
    const payload = '{"node_id":"node_01","timestamp":1704844800000,"sensors":{"t":1}}'
    apply([reject(payload, 'timestamp_in_ms', rejectDetail('timestamp_in_ms', 'timestamp is 1704844800000'))])
    expect(all()).toMatchObject([
      {
        verdict: 'rejected',
        reason: 'timestamp_in_ms',
        detail:
          'timestamp is 1704844800000; allowed: Unix seconds, below 100000000000. Divide it by 1000; fractions are welcome.',
        raw: payload,
        at: { offset: payload.indexOf('1704844800000'), length: 13 },
      },
    ])
  })
})

describe('the nearest right topic', () => {
  test.each([
    ['iot/nodes/01/telemetry', 'iot/node/01/telemetry', '01'],
    ['IOT/node/01/telemetry', 'iot/node/01/telemetry', '01'],
    ['iot/Node/01/Telemetry', 'iot/node/01/telemetry', '01'],
    ['/iot/node/01/telemetry', 'iot/node/01/telemetry', '01'],
    ['iot/node/01/telemetry/', 'iot/node/01/telemetry', '01'],
    ['iot/node/x', 'iot/node/x/telemetry', 'x'],
    ['iot/node', 'iot/node/01/telemetry', null],
    ['iot/node/01/data', 'iot/node/01/telemetry', '01'],
    ['iot/node/01/temperature', 'iot/node/01/telemetry', '01'],
    ['iot/node/01/stats', 'iot/node/01/status', '01'],
    ['iot/node/01/telemetry/temperature', 'iot/node/01/telemetry', '01'],
    ['iot/greenhouse/telemetry', 'iot/node/greenhouse/telemetry', 'greenhouse'],
    ['node/01/telemetry', 'iot/node/01/telemetry', '01'],
    ['iott/node/01/telemetry', 'iot/node/01/telemetry', '01'],
    ['sensors/greenhouse/data', 'iot/node/greenhouse/telemetry', 'greenhouse'],
    ['home/esp32', 'iot/node/esp32/telemetry', 'esp32'],
    ['test', 'iot/node/test/telemetry', 'test'],
    ['iot/node/my board/telemetry/', 'iot/node/my_board/telemetry', null],
  ])('%s → %s', (topic, right, node) => {
    expect(nearestTopic(topic, 'iot', null)).toMatchObject({ topic: right, node })
  })

  test('a board with a log-in publishes as itself', () => {
    expect(nearestTopic('esp/data', 'iot', 'greenhouse').topic).toBe('iot/node/greenhouse/telemetry')
  })
})

describe('what reached nobody', () => {
  test('a wrong topic says the right one; again it is the same message with a higher count', () => {
    const { clock, messages, all } = feed()
    for (let i = 0; i < 3; i++) {
      messages.notice(denied('iot/nodes/01/telemetry', local, '{"a":1}'))
      clock.advance(2000)
    }
    expect(all()).toMatchObject([
      {
        verdict: 'wrong_topic',
        count: 3,
        node: '01',
        topic: 'iot/nodes/01/telemetry',
        raw: '{"a":1}',
        detail:
          'the topic is "iot/nodes/01/telemetry": its second level is nodes, not node; allowed: iot/node/ID/telemetry, status, ack and log. Publish to iot/node/01/telemetry.',
      },
    ])
  })

  test('ten thousand in a second are a handful of events and one message', () => {
    const { messages, shown, all } = feed()
    for (let i = 0; i < 10_000; i++) messages.notice(denied('elsewhere'))
    expect(shown.length).toBeLessThanOrEqual(10)
    expect(all()).toMatchObject([{ count: 10_000 }])
  })

  test("another node's topic, a command, a filter: denied, each with its way out", () => {
    const { messages, all } = feed()
    messages.notice(denied('iot/node/02/telemetry', node01))
    messages.notice(denied('iot/node/02/command'))
    messages.notice({ ...denied('iot/#', node01), action: 'subscribe', payload: null } as BrokerNotice)
    expect(all().map(({ verdict, reason, node, detail }) => [verdict, reason, node, detail!.split('. ').at(-1)])).toEqual([
      ['denied', 'not_readable', '01', 'Subscribe to iot/node/01/command.'],
      ['denied', 'only_manager', '02', 'Send commands with espalier send 02 COMMAND.'],
      [
        'denied',
        'not_yours',
        '01',
        'Put the user name into the topic; every board needs an identity of its own: espalier node add.',
      ],
    ])
  })

  test('a refused log-in tells a wrong password from a user nobody added', () => {
    const { messages, all } = feed({ known: ['01'] })
    messages.notice(refused('01'))
    messages.notice(refused('02'))
    messages.notice(refused(null, 'anonymous'))
    expect(all().map(({ reason, user, address, detail }) => [reason, user, address, detail])).toEqual([
      ['no_credentials', null, '10.0.0.7:4711', expect.stringContaining('client "c" at 10.0.0.7 was not let in')],
      ['unknown_user', '02', '10.0.0.7:4711', expect.stringContaining('Add it: espalier node add 02.')],
      ['bad_credentials', '01', '10.0.0.7:4711', expect.stringContaining('espalier node rotate 01.')],
    ])
  })

  test('a certificate that is not ours, or no longer, is told as one', () => {
    const { messages, all } = feed({ known: ['01'] })
    messages.notice({ ...refused('01', 'anonymous'), got: 'SELF_SIGNED_CERT_IN_CHAIN' } as BrokerNotice)
    expect(all()).toMatchObject([
      {
        reason: 'bad_certificate',
        user: '01',
        detail: expect.stringMatching(/SELF_SIGNED_CERT_IN_CHAIN.*node rotate 01 --cert/),
      },
    ])
  })

  test('three take-overs of a client id within seconds are a fight, two are not', () => {
    const { clock, messages, all } = feed()
    const takeover = (port: number) =>
      messages.notice({ kind: 'takeover', identity: node01, client: '01', address: `10.0.0.${port}:1`, before: '10.0.0.9:2' })
    takeover(1)
    clock.advance(5100)
    takeover(2)
    expect(all()).toEqual([])
    clock.advance(5100)
    takeover(3)
    clock.advance(1000)
    takeover(4)
    expect(all()).toMatchObject([
      { verdict: 'fight', count: 4, node: '01', detail: expect.stringContaining('at 10.0.0.9 and 10.0.0.4') },
    ])
  })

  test('a board that comes back each minute fights with nobody', () => {
    const { clock, messages, all } = feed()
    for (let i = 0; i < 10; i++) {
      messages.notice({ kind: 'takeover', identity: node01, client: '01', address: 'a:1', before: 'a:2' })
      clock.advance(60_000)
    }
    expect(all()).toEqual([])
  })
})

describe('log lines and first words', () => {
  test('the last lines of a node, newest first; bounded', () => {
    const { messages, all } = feed()
    const log = (text: string, arrived: number) =>
      messages.notice({ kind: 'log', node: '01', user: '01', payload: utf8.encode(text), arrived })
    log('{"level":"warn","msg":"battery low","timestamp":1704844800}', 1)
    for (let i = 0; i < 250; i++) log(`line ${i}`, 2 + i)
    expect(messages.logs('01')).toHaveLength(200)
    expect(messages.logs('01')[0]).toEqual({ time: 251, sent: null, level: null, msg: 'line 249' })
    expect(all().at(-1)).toMatchObject({ verdict: 'log', reason: 'warn', raw: 'battery low', node: '01' })
    expect(messages.logs('none')).toEqual([])
  })

  test("a node's first reading is told once, and again when it was added anew", () => {
    const { messages, apply } = feed({ spoke: ['old'] })
    const first: unknown[] = []
    messages.onFirstReading((node, sensors) => void first.push([node, ...sensors]))
    apply([reading('old', 1), reading('new', 2, { temperature: 1, humidity: 2, wifi_rssi: -60 }), reading('new', 3)])
    expect(first).toEqual([['new', 'temperature', 'humidity']])
    messages.forget('new')
    apply([reading('new', 4)])
    expect(first).toHaveLength(2)
  })
})
