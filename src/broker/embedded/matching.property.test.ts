import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Message } from './message.ts'
import { Reach } from './reach.ts'
import { RetainedMessages } from './retained.ts'
import { Router } from './router.ts'
import { Session } from './session.ts'
import { Topics } from './topic.ts'

/** MQTT 3.1.1 section 4.7, word by word and slowly: what trie and map are held against. */
function matches(filter: string, topic: string): boolean {
  const f = filter.split('/')
  const t = topic.split('/')
  if (topic.startsWith('$') && (f[0] === '#' || f[0] === '+')) return false
  for (let i = 0; i < f.length; i++) {
    if (f[i] === '#') return t.length >= i
    if (i >= t.length) return false
    if (f[i] !== '+' && f[i] !== t[i]) return false
  }
  return f.length === t.length
}

const level = fc.constantFrom('a', 'b', '', '$c')
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map(levels => levels.join('/'))
  .filter(name => name !== '')
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { maxLength: 4 }), fc.boolean())
  .map(([levels, rest]) => [...levels, ...(rest ? ['#'] : [])].join('/'))
  .filter(name => name !== '')
const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)

const session = (key: string): Session =>
  new Session(
    { key, client: key, persistent: false, number: 0, identity: { role: 'local', user: null } },
    { window: 1, windowBytes: 1, queueMessages: 1, queueBytes: 1 },
    () => {},
  )

test('the router finds whom the standard says, at the highest grant, after any history', () => {
  const change = fc.record({ who: fc.nat(3), filter, qos, add: fc.boolean() })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 30 }), fc.array(topic, { minLength: 1, maxLength: 8 }), (changes, topics) => {
      const router = new Router()
      const sessions = [0, 1, 2, 3].map(n => session(`${n}`))
      const held = new Map<string, 0 | 1 | 2>()
      for (const { who, filter, qos, add } of changes) {
        if (add) {
          router.add(filter, sessions[who]!, qos)
          held.set(`${who} ${filter}`, qos)
        } else {
          router.remove(filter, sessions[who]!)
          held.delete(`${who} ${filter}`)
        }
      }
      expect(router.size).toBe(held.size)
      for (const name of topics) {
        const wanted: Record<string, number> = {}
        for (const [key, granted] of held) {
          const [who, ...rest] = key.split(' ')
          if (matches(rest.join(' '), name)) wanted[who!] = Math.max(wanted[who!] ?? 0, granted)
        }
        const found = router.match(name.split('/')).all.map(({ session, qos }) => [session.key, qos] as const)
        expect(Object.fromEntries(found)).toEqual(wanted)
        expect(found.length).toBe(Object.keys(wanted).length)
      }
    }),
    { numRuns: 500 },
  )
})

test('retained messages match as subscriptions do, after any history, within their bounds', () => {
  const topics = new Topics('iot', { topicBytes: 256, topicLevels: 8 }, new Reach(() => {}))
  const change = fc.record({ topic, size: fc.nat(20) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.array(filter, { minLength: 1, maxLength: 6 }), (changes, filters) => {
      const bounds = { retainedTopics: 12, retainedBytes: 150 }
      const retained = new RetainedMessages(bounds)
      const model = new Map<string, Message>()
      const bytes = (): number => [...model.values()].reduce((sum, { payload }) => sum + payload.length, 0)
      for (const { topic, size } of changes) {
        const message: Message = { known: topics.of(topic), payload: Buffer.alloc(size), qos: 1 }
        const before = model.get(topic)
        if (size === 0) model.delete(topic)
        else model.set(topic, message)
        const fits = model.size <= bounds.retainedTopics && bytes() <= bounds.retainedBytes
        if (!fits && before === undefined) model.delete(topic)
        else if (!fits) model.set(topic, before!)
        expect(retained.set(message)).toBe(fits)
        expect([retained.size, retained.bytes]).toEqual([model.size, bytes()])
      }
      for (const filter of filters) {
        const wanted = [...model]
          .filter(([name]) => matches(filter, name))
          .map(([name, { payload }]) => `${name} ${payload.length}`)
        expect(
          retained
            .matching(filter)
            .map(({ known, payload }) => `${known.name} ${payload.length}`)
            .sort(),
        ).toEqual(wanted.sort())
      }
    }),
    { numRuns: 500 },
  )
})

test('1,000 nodes with three exact filters each find their retained messages without looking at any other', () => {
  const topics = new Topics('iot', { topicBytes: 256, topicLevels: 8 }, new Reach(() => {}))
  const retained = new RetainedMessages({ retainedTopics: 10_000, retainedBytes: 1e8 })
  let looked = 0
  for (let i = 0; i < 9_000; i++) {
    const message = { known: topics.of(`iot/node/${i}/status`), payload: Buffer.from('x'), qos: 1 as const }
    retained.set(message)
    const kept = retained.get(message.known.name)!
    Object.defineProperty(kept, 'known', {
      get: () => {
        looked++
        return message.known
      },
    })
  }
  for (let i = 0; i < 1_000; i++) {
    for (const filter of [`iot/node/${i}/command`, `iot/node/${i}/receipt`, 'iot/broker/status'])
      expect(retained.matching(filter)).toEqual([])
  }
  expect(looked).toBe(0)
})
