import { describe, expect, test } from 'vitest'
import type { ReadingEvent } from '../contract/events.ts'
import { frameFor } from './event-frames.ts'
import { createEventHub, type EventHub } from './event-hub.ts'
import { type EventSink, replayFrom, streamEvents } from './event-stream.ts'

const clock = { wallMs: () => 1000 }
const presence = (node: string) => ({ type: 'presence', data: { node, state: 'online', time: 0 } }) as const
const reading = (node: string, value: number): ReadingEvent => ({
  kind: 'reading',
  node,
  arrived: 0,
  time: value,
  boot: null,
  seq: null,
  names: ['x'],
  values: [value],
})

function hubWith(count: number, capacity = 10): EventHub {
  const hub = createEventHub({ clock, capacity })
  for (let i = 0; i < count; i++) hub.publish(presence('01'))
  return hub
}

/** A client whose socket is full whenever `full` is set. */
function client() {
  const seen: string[] = []
  const sink = {
    full: false,
    wasCut: false,
    resume: () => {},
    write(text: string) {
      seen.push(text)
      return !sink.full
    },
    onDrain(resume: () => void) {
      sink.resume = resume
    },
    cut() {
      sink.wasCut = true
    },
  }
  const ids = (): number[] => seen.flatMap(text => [...text.matchAll(/^id: (\d+)$/gm)].map(match => Number(match[1])))
  return { sink: sink satisfies EventSink & object, seen, ids }
}

const all = { filter: { node: null, types: null }, lastId: null, pingMs: 1e6 }

describe('the ring of events', () => {
  test('keeps the newest, with ids that rise by one from the start of the run', () => {
    const hub = hubWith(13)
    expect([hub.start, hub.first(), hub.next()]).toEqual([1_000_000, 1_000_003, 1_000_013])
    expect(hub.at(1_000_002)).toBeUndefined()
    expect(hub.at(1_000_012)!.id).toBe(1_000_012)
  })

  test('bounds the readings it holds, whatever the size of the batches', () => {
    const hub = createEventHub({ clock, readings: 10 })
    for (let i = 0; i < 5; i++) hub.publish({ type: 'readings', data: [1, 2, 3, 4].map(n => reading('01', n)) })
    expect(hub.next() - hub.first()).toBe(2)
  })
})

describe('where a client goes on', () => {
  test('behind the last id it saw, without a gap', () => {
    expect(replayFrom(hubWith(5), 1_000_001)).toEqual({ at: 1_000_002, missed: null })
  })

  test('at the oldest that is held, told how many it missed', () => {
    expect(replayFrom(hubWith(13), 1_000_000)).toEqual({ at: 1_000_003, missed: 2 })
  })

  test('at the start of this run when its id is of an earlier one, told that something may be missing', () => {
    expect(replayFrom(hubWith(5), 17)).toEqual({ at: 1_000_000, missed: 0 })
  })

  test('with what comes next when it names no id, or one from nowhere', () => {
    expect(replayFrom(hubWith(5), null)).toEqual({ at: 1_000_005, missed: null })
    expect(replayFrom(hubWith(5), 9_999_999)).toEqual({ at: 1_000_005, missed: 0 })
  })
})

describe('a client', () => {
  test('gets every event once, in order, live and replayed', () => {
    const hub = hubWith(3)
    const { sink, ids } = client()
    streamEvents(hub, sink, { ...all, lastId: 1_000_000 })()
    const { sink: live, ids: liveIds } = client()
    const end = streamEvents(hub, live, { ...all, lastId: 1_000_000 })
    hub.publish(presence('02'))
    end()
    hub.publish(presence('03'))
    expect(ids()).toEqual([1_000_001, 1_000_002])
    expect(liveIds()).toEqual([1_000_001, 1_000_002, 1_000_003])
  })

  test('that drains slowly loses nothing while the ring holds it', () => {
    const hub = hubWith(0)
    const { sink, ids } = client()
    const end = streamEvents(hub, sink, all)
    sink.full = true
    for (let i = 0; i < 8; i++) hub.publish(presence('01'))
    expect(ids().length).toBe(1)
    sink.full = false
    sink.resume()
    end()
    expect(ids()).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(i => 1_000_000 + i))
  })

  test('that falls off the ring is cut, and comes back with its last id', () => {
    const hub = hubWith(0)
    const { sink, ids } = client()
    streamEvents(hub, sink, all)
    sink.full = true
    for (let i = 0; i < 20; i++) hub.publish(presence('01'))
    sink.full = false
    sink.resume()
    expect(sink.wasCut).toBe(true)
    expect(replayFrom(hub, ids().at(-1)!)).toEqual({ at: 1_000_010, missed: 9 })
  })
})

describe('filters', () => {
  const frame = (filter: { node: string | null; types: Set<string> | null }): string => {
    const hub = createEventHub({ clock })
    hub.publish({ type: 'readings', data: [reading('01', 1), reading('02', 2)] })
    return frameFor(hub.at(hub.start)!, filter)
  }

  test('of a node leave its own readings of a batch', () => {
    const data = frame({ node: '02', types: null }).split('data: ')[1]!
    expect(JSON.parse(data)).toEqual([{ node: '02', time: 2, fields: { x: 2 }, boot: null, seq: null }])
    expect(frame({ node: '03', types: null })).toBe('')
  })

  test('of types leave out the others', () => {
    expect(frame({ node: null, types: new Set(['command']) })).toBe('')
    expect(frame({ node: null, types: new Set(['readings']) })).toMatch(/^id: 1000000\nevent: readings\ndata: \[/)
  })
})
