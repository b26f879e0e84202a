import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Status } from '../contract/schemas.ts'
import { lateAfterMs, neverHeard, type Presence, type PresenceEvent, step } from './presence.ts'

const telemetry: PresenceEvent = { kind: 'telemetry' }
const tick: PresenceEvent = { kind: 'tick' }
const start: PresenceEvent = { kind: 'start' }
const status = (status: Partial<Status>, live = true): PresenceEvent => ({
  kind: 'status',
  live,
  status: { node_id: 'node_01', online: true, ...status },
})
const will = (boot?: number, live = true) => status({ online: false, ...(boot === undefined ? {} : { boot }) }, live)

/** Runs events given as [milliseconds, event]; answers with the last step. */
function run(events: readonly (readonly [number, PresenceEvent])[], from: Presence = neverHeard) {
  let last = { next: from, birth: false, stale: false }
  let births = 0
  for (const [at, event] of events) {
    last = step(last.next, event, at)
    if (last.birth) births++
  }
  return { ...last, state: last.next.state, births }
}

describe('a node that sends telemetry only', () => {
  test('is unknown before it speaks, online when it does', () => {
    expect(neverHeard.state).toBe('unknown')
    expect(run([[0, telemetry]]).state).toBe('online')
  })

  test('is late after 30 s of silence while its rhythm is unknown or fast, and online again when it speaks', () => {
    expect(
      run([
        [0, telemetry],
        [30_000, tick],
      ]).state,
    ).toBe('online')
    expect(
      run([
        [0, telemetry],
        [30_001, tick],
      ]).state,
    ).toBe('late')
    expect(
      run([
        [0, telemetry],
        [1000, telemetry],
        [31_001, tick],
      ]).state,
    ).toBe('late')
    expect(
      run([
        [0, telemetry],
        [30_001, tick],
        [40_000, telemetry],
      ]).state,
    ).toBe('online')
  })

  test('is late after 3 median gaps of the last 8', () => {
    const slow = Array.from({ length: 9 }, (_, i) => [i * 60_000, telemetry] as const)
    expect(run([...slow, [8 * 60_000 + 180_000, tick]]).state).toBe('online')
    expect(run([...slow, [8 * 60_000 + 180_001, tick]]).state).toBe('late')
    const faster = Array.from({ length: 8 }, (_, i) => [500_000 + i * 20_000, telemetry] as const)
    expect(lateAfterMs(run([...slow, ...faster]).next)).toBe(60_000)
  })

  test('has its median taken over the middle two when gaps are even in number', () => {
    expect(
      lateAfterMs(
        run([
          [0, telemetry],
          [20_000, telemetry],
          [60_000, telemetry],
        ]).next,
      ),
    ).toBe(90_000)
  })
})

describe('a node that publishes a status', () => {
  test('is born by its first live online:true, and by another boot', () => {
    expect(run([[0, status({ boot: 1 })]])).toMatchObject({ state: 'online', birth: true })
    expect(
      run([
        [0, status({ boot: 1 })],
        [60_000, status({ boot: 1 })],
      ]).births,
    ).toBe(1)
    expect(
      run([
        [0, status({ boot: 1 })],
        [9, status({ boot: 2 })],
      ]),
    ).toMatchObject({ state: 'online', births: 2 })
    expect(
      run([
        [0, status({})],
        [9, status({ boot: 2 })],
      ]).births,
    ).toBe(2)
  })

  test('is late 3 declared intervals after its last telemetry, however short they are', () => {
    const born = [0, status({ interval: 2 })] as const
    expect(run([born, [6000, tick]]).state).toBe('online')
    expect(run([born, [6001, tick]]).state).toBe('late')
    expect(run([born, [5000, telemetry], [11_000, tick]]).state).toBe('online')
    expect(run([born, [5000, telemetry], [11_001, tick]]).state).toBe('late')
  })

  test('stays late when only its status comes, and counts as born again', () => {
    const late = [
      [0, status({ boot: 1, interval: 1 })],
      [3001, tick],
    ] as const
    expect(run([...late, [4000, status({ boot: 1, interval: 1 })]])).toMatchObject({ state: 'late', birth: true })
    expect(run([...late, [4000, status({ boot: 2, interval: 1 })], [4100, tick]])).toMatchObject({ state: 'online', births: 2 })
  })

  test('goes offline by its will; telemetry alone does not bring it back, a status does', () => {
    const gone = [
      [0, status({ boot: 1 })],
      [9, will(1)],
    ] as const
    expect(run(gone).state).toBe('offline')
    expect(run([...gone, [20, telemetry]]).state).toBe('offline')
    expect(run([...gone, [20, status({ boot: 1 })]])).toMatchObject({ state: 'online', births: 2 })
  })

  test('is asleep when it says so; other goodbyes are offline', () => {
    const born = [0, status({ boot: 1 })] as const
    expect(run([born, [9, status({ online: false, boot: 1, reason: 'sleep', wake_in: 60 })]]).state).toBe('asleep')
    expect(run([born, [9, status({ online: false, reason: 'sleep' })], [10, telemetry]]).state).toBe('asleep')
    expect(run([born, [9, status({ online: false, boot: 1, reason: 'reboot' })]]).state).toBe('offline')
  })

  test('is not touched by the will of an earlier boot; one without boot counts', () => {
    const twice = [
      [0, status({ boot: 1 })],
      [5, status({ boot: 2 })],
    ] as const
    expect(run([...twice, [9, will(1)]])).toMatchObject({ state: 'online', stale: true })
    expect(run([...twice, [9, will()]])).toMatchObject({ state: 'offline', stale: false })
    expect(run([[9, will(7)]])).toMatchObject({ state: 'offline', stale: false })
  })

  test('forgets what was cleared; its telemetry still speaks for it', () => {
    const clear: PresenceEvent = { kind: 'status', live: true, status: null }
    expect(
      run([
        [0, status({})],
        [5, will()],
        [9, clear],
      ]).state,
    ).toBe('unknown')
    expect(
      run([
        [0, status({})],
        [5, will()],
        [9, clear],
        [10, telemetry],
      ]).state,
    ).toBe('online')
    expect(
      run([
        [0, status({})],
        [9, clear],
      ]).state,
    ).toBe('online')
  })
})

describe('a retained status, and a start of the manager', () => {
  test('online:true is no news: unknown, and the next live one is a birth', () => {
    expect(run([[0, status({ boot: 1 }, false)]])).toMatchObject({ state: 'unknown', birth: false })
    expect(
      run([
        [0, status({ boot: 1 }, false)],
        [9, status({ boot: 1 })],
      ]),
    ).toMatchObject({ state: 'online', birth: true })
    expect(
      run([
        [0, status({ boot: 1 }, false)],
        [5, telemetry],
        [9, status({ boot: 1 })],
      ]),
    ).toMatchObject({ state: 'online', birth: true })
  })

  test('online:false sets offline or asleep, unless its boot is not that of the last birth', () => {
    expect(run([[0, will(3, false)]]).state).toBe('offline')
    expect(run([[0, status({ online: false, reason: 'sleep' }, false)]]).state).toBe('asleep')
    const restarted = run([
      [0, status({ boot: 1 })],
      [5, start],
    ])
    expect(restarted.state).toBe('unknown')
    expect(run([[9, will(2, false)]], restarted.next).state).toBe('unknown')
    expect(run([[9, will(1, false)]], restarted.next).state).toBe('offline')
  })

  test('a start keeps what was declared gone, and knows nothing of the rest', () => {
    expect(
      run([
        [0, status({})],
        [5, start],
      ]).state,
    ).toBe('unknown')
    expect(
      run([
        [0, status({})],
        [4, will()],
        [5, start],
      ]).state,
    ).toBe('offline')
    expect(
      run([
        [0, telemetry],
        [5, start],
        [1e6, tick],
      ]).state,
    ).toBe('unknown')
    expect(
      run([
        [0, status({ boot: 1 })],
        [5, start],
        [6, status({ boot: 1 })],
      ]),
    ).toMatchObject({ state: 'online', births: 2 })
  })

  test('the will of the boot that a retained status names counts', () => {
    const restarted = run([
      [0, status({ boot: 1 })],
      [5, start],
      [6, status({ boot: 2 }, false)],
    ])
    expect(run([[9, will(2)]], restarted.next).state).toBe('offline')
  })
})

test('any order of events: declared absence ends by a status only, a birth is always online, late only comes from silence', () => {
  const boot = fc.option(fc.integer({ min: 0, max: 2 }), { nil: undefined })
  const event: fc.Arbitrary<PresenceEvent> = fc.oneof(
    fc.constant(telemetry),
    fc.constant(tick),
    fc.constant(start),
    fc.record({ boot, live: fc.boolean() }).map(({ boot, live }) => status(boot === undefined ? {} : { boot }, live)),
    fc.record({ boot, live: fc.boolean() }).map(({ boot, live }) => will(boot, live)),
    fc.constant<PresenceEvent>({ kind: 'status', live: true, status: null }),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 50_000 }), event), { maxLength: 40 }), events => {
      let now = 0
      let presence = neverHeard
      for (const [wait, event] of events) {
        now += wait
        const before = presence
        const { next, birth, stale } = step(before, event, now)
        if (birth) expect(event.kind === 'status' && event.live && event.status?.online).toBe(true)
        if (birth && before.state !== 'late') expect(next.state).toBe('online')
        if (stale) expect(next).toBe(before)
        if ((before.state === 'offline' || before.state === 'asleep') && next.state !== before.state)
          expect(event.kind).toBe('status')
        if (next.state === 'late' && before.state !== 'late') {
          expect(event.kind).toBe('tick')
          expect(now - before.waitingSince).toBeGreaterThan(lateAfterMs(before))
        }
        presence = next
      }
    }),
    { numRuns: 500 },
  )
})
