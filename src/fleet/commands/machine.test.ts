import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CommandState, CommandView } from '../../api/commands.ts'
import type { AckState } from '../../contract/schemas.ts'
import { ackStates } from '../../contract/schemas.ts'
import { type Evidence, isFinal, isRefusal, mayPublish, step } from './machine.ts'

const queued: CommandView = {
  id: '01HKSQ0000000000000000000A',
  node: '01',
  command: 'set_led',
  params: { state: 'on' },
  state: 'queued',
  queued_at: 1000,
  sent_at: null,
  final_at: null,
  expires: 300_000,
  progress: null,
  result: null,
  error: null,
  matched: null,
  attempts: 0,
  history: [{ state: 'queued', time: 1000, evidence: 'user' }],
  by: 'cli',
}

const intent: Evidence = { kind: 'intent' }
const puback: Evidence = { kind: 'handed', by: 'puback' }
const deadline: Evidence = { kind: 'deadline' }
const cancel: Evidence = { kind: 'cancel' }
const ack = (state: AckState, more: object = {}): Evidence => ({
  kind: 'ack',
  matched: 'id',
  ack: { node_id: 'node_01', command: 'set_led', state, ...more },
})

function run(evidence: readonly Evidence[], now = 2000, from = queued): CommandView {
  return evidence.reduce<CommandView>((command, e) => {
    const next = step(command, e, now)
    return isRefusal(next) ? command : next
  }, from)
}

describe('the straight way', () => {
  test('queued, sent, accepted, running, done, each with its evidence', () => {
    const done = run([intent, puback, ack('accepted'), ack('running', { progress: 40 }), ack('done', { result: { on: true } })])
    expect(done.history.map(({ state, evidence }) => [state, evidence])).toEqual([
      ['queued', 'user'],
      ['sent', 'puback'],
      ['accepted', 'ack'],
      ['running', 'ack'],
      ['done', 'ack'],
    ])
    expect(done).toMatchObject({
      state: 'done',
      sent_at: 2000,
      final_at: 2000,
      progress: 40,
      result: { on: true },
      matched: 'id',
      attempts: 1,
    })
  })

  test('an ack implies sent', () => {
    const done = run([intent, ack('done')])
    expect(done.history.map(entry => entry.state)).toEqual(['queued', 'sent', 'done'])
    expect(done.sent_at).toBe(2000)
    expect(step(done, puback, 3000)).toEqual({ refused: 'final' })
  })

  test('a history reads forward although an ack arrived before the PUBACK was handled', () => {
    const handed = step(run([intent]), puback, 2040) as CommandView
    const done = step(handed, ack('done'), 2039) as CommandView
    expect(done.history.map(entry => entry.time)).toEqual([1000, 2040, 2040])
    expect(done.final_at).toBe(2040)
  })

  test('an error is kept with its code', () => {
    expect(run([intent, ack('rejected', { error: { code: 'bad_params', message: 'brightness is 300' } })])).toMatchObject({
      state: 'rejected',
      error: { code: 'bad_params', message: 'brightness is 300' },
    })
    expect(run([intent, ack('failed', { error: { code: 'hardware' } })]).error).toEqual({ code: 'hardware', message: '' })
  })

  test('progress of a running command is news, its repetition is none', () => {
    const running = run([intent, ack('running', { progress: 10 })])
    expect(step(running, ack('running', { progress: 10 }), 3000)).toEqual({ refused: 'nothing_new' })
    expect(step(running, ack('running', { progress: 20 }), 3000)).toMatchObject({ progress: 20, history: running.history })
  })
})

describe('the deadline', () => {
  test('makes expired of what never left, unknown of what may have', () => {
    expect(run([deadline], 300_000).state).toBe('expired')
    expect(run([intent, deadline], 300_000).state).toBe('unknown')
    expect(run([intent, puback, ack('running'), deadline], 300_000).state).toBe('unknown')
    expect(step(queued, deadline, 299_999)).toEqual({ refused: 'too_early' })
  })

  test('unknown is corrected by a final ack only, and then stands', () => {
    const unknown = run([intent, deadline], 300_000)
    expect(step(unknown, ack('running'), 300_001)).toEqual({ refused: 'final' })
    const done = run([ack('done')], 300_001, unknown)
    expect(done).toMatchObject({ state: 'done', final_at: 300_001 })
    expect(step(done, ack('failed'), 300_002)).toEqual({ refused: 'final' })
  })

  test('a node that says expired did not run it', () => {
    expect(run([intent, puback, ack('expired')]).state).toBe('expired')
    expect(run([intent, deadline, ack('expired')], 300_000).state).toBe('expired')
  })
})

describe('cancelling', () => {
  test('is possible only before the first intent', () => {
    expect(run([cancel]).state).toBe('cancelled')
    expect(step(run([intent]), cancel, 2000)).toEqual({ refused: 'underway' })
    expect(step(run([intent, puback]), cancel, 2000)).toEqual({ refused: 'underway' })
    expect(step(run([cancel]), cancel, 2000)).toEqual({ refused: 'final' })
  })

  test('a removed node: what never left is cancelled, of the rest nobody knows', () => {
    expect(run([{ kind: 'abandon' }]).state).toBe('cancelled')
    expect(run([intent, { kind: 'abandon' }]).state).toBe('unknown')
  })
})

test('what never left takes no ack and no delivery', () => {
  expect(step(queued, ack('done'), 2000)).toEqual({ refused: 'never_sent' })
  expect(step(queued, puback, 2000)).toEqual({ refused: 'never_sent' })
})

const anyEvidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.constantFrom<Evidence>(intent, puback, { kind: 'handed', by: 'write' }, deadline, cancel, { kind: 'abandon' }),
  fc
    .record({ state: fc.constantFrom(...ackStates), progress: fc.option(fc.integer({ min: 0, max: 100 }), { nil: undefined }) })
    .map(({ state, progress }) => ack(state, progress === undefined ? {} : { progress })),
)
const anyPath = fc.array(fc.tuple(fc.integer({ min: 0, max: 200_000 }), anyEvidence), { maxLength: 25 })
const rank: Record<CommandState, number> = {
  queued: 0,
  sent: 1,
  accepted: 2,
  running: 3,
  unknown: 4,
  done: 5,
  failed: 5,
  rejected: 5,
  expired: 5,
  cancelled: 5,
}

test('on any path states never move backwards, and only unknown is left again, by an ack', () => {
  fc.assert(
    fc.property(anyPath, path => {
      let command = queued
      let now = 1000
      for (const [wait, evidence] of path) {
        now += wait
        const next = step(command, evidence, now)
        if (isRefusal(next)) continue
        expect(rank[next.state]).toBeGreaterThanOrEqual(rank[command.state])
        if (isFinal(command.state)) expect([command.state, evidence.kind]).toEqual(['unknown', 'ack'])
        expect(next.attempts).toBeGreaterThanOrEqual(command.attempts)
        expect(next.history.slice(0, command.history.length)).toEqual(command.history)
        expect(next.history.at(-1)!.state).toBe(next.state)
        expect(next.final_at !== null).toBe(isFinal(next.state))
        expect(next.sent_at !== null).toBe(next.history.some(entry => entry.state === 'sent'))
        command = next
      }
    }),
    { numRuns: 2000 },
  )
})

test('on any path the deadline ends it, as expired exactly when it never left', () => {
  fc.assert(
    fc.property(
      fc.array(
        anyEvidence.filter(e => e.kind !== 'deadline'),
        { maxLength: 15 },
      ),
      evidence => {
        const before = run(evidence)
        const after = run([deadline], 300_000, before)
        expect(isFinal(after.state)).toBe(true)
        if (!isFinal(before.state)) expect(after.state).toBe(before.attempts === 0 ? 'expired' : 'unknown')
      },
    ),
  )
})

test('on any path without dedupe it may be published once at most', () => {
  fc.assert(
    fc.property(fc.array(fc.option(anyEvidence), { maxLength: 25 }), path => {
      let command = queued
      let published = 0
      for (const evidence of path) {
        // null: the queue looks whether it may publish.
        if (evidence === null && mayPublish(command, false)) {
          command = step(command, intent, 2000) as CommandView
          published++
        } else if (evidence !== null && evidence.kind !== 'intent') {
          const next = step(command, evidence, 2000)
          if (!isRefusal(next)) command = next
        }
      }
      expect(published).toBeLessThanOrEqual(1)
    }),
  )
})

test('on any path a second application of the same ack changes nothing', () => {
  fc.assert(
    fc.property(fc.array(anyEvidence, { maxLength: 10 }), fc.constantFrom(...ackStates), (path, state) => {
      const before = run([intent, ...path])
      const once = run([ack(state)], 2000, before)
      expect(run([ack(state)], 3000, once)).toEqual(once)
    }),
  )
})
