import { describe, expect, test } from 'vitest'
import { seeded } from '../kit/random.ts'
import { type Faults, faultyLine, noFaults, parseFaults, type Sendable } from './faults.ts'

describe('faults as text', () => {
  test('are read in any order', () => {
    expect(parseFaults('drop=0.1,dup=1, reorder=0,badjson=0.5,clock=-30,flood=sim-2:100')).toEqual({
      ok: true,
      faults: { drop: 0.1, dup: 1, reorder: 0, badjson: 0.5, clockS: -30, flood: { id: 'sim-2', rate: 100 } },
    })
  })

  test.each([
    '',
    'drop',
    'drop=',
    'drop=1.1',
    'drop=-0.1',
    'drop=x',
    'lose=0.1',
    'clock=now',
    'flood=sim-2',
    'flood=:5',
    'flood=a:0',
    'drop=0.1,,dup=0.1',
  ])('that make no sense are refused with what is allowed: %j', text => {
    const parsed = parseFaults(text)
    expect(parsed.ok).toBe(false)
    if (!parsed.ok) expect(parsed.allowed).toContain('drop=P')
  })
})

describe('a faulty line', () => {
  const run = (faults: Partial<Faults>, count = 3) => {
    const sent: string[] = []
    const acknowledged: string[] = []
    const line = faultyLine(
      (message, done) => {
        sent.push(message.payload)
        done()
      },
      { ...noFaults, ...faults },
      seeded(1),
    )
    for (let i = 0; i < count; i++) {
      const message: Sendable = { topic: 't', payload: `{"n":${i}}`, qos: 1, retain: false }
      line.publish(message, lost => acknowledged.push(`${i}${lost ? ' lost' : ''}`))
    }
    return { sent, acknowledged, line }
  }

  test('without faults sends each message once', () => {
    expect(run({})).toMatchObject({ sent: ['{"n":0}', '{"n":1}', '{"n":2}'], acknowledged: ['0', '1', '2'] })
  })

  test('that drops acknowledges and sends nothing', () => {
    expect(run({ drop: 1 })).toMatchObject({ sent: [], acknowledged: ['0 lost', '1 lost', '2 lost'] })
  })

  test('that doubles acknowledges once', () => {
    expect(run({ dup: 1 }, 1)).toMatchObject({ sent: ['{"n":0}', '{"n":0}'], acknowledged: ['0'] })
  })

  test('that reorders sends a message behind the next one, and the last one when told to let go', () => {
    const { sent, line } = run({ reorder: 1 })
    expect(sent).toEqual(['{"n":1}', '{"n":0}'])
    line.flush()
    expect(sent).toEqual(['{"n":1}', '{"n":0}', '{"n":2}'])
  })

  test('with bad JSON sends half a message beside the whole one', () => {
    expect(run({ badjson: 1 }, 1)).toMatchObject({ sent: ['{"n', '{"n":0}'], acknowledged: ['0'] })
  })
})
