import fc from 'fast-check'
import type { TSchema } from 'typebox'
import { Check } from 'typebox/schema'
import { describe, expect, test } from 'vitest'
import { loadVectors } from '../../test/vectors.ts'
import { builtinCommands, judgeCommand } from './commands.ts'
import { firstFault } from './fault.ts'
import { messageKinds } from './messages.ts'
import { Ack, Command, Log, Receipts, Status } from './schemas.ts'

const checked: Readonly<Record<string, TSchema>> = {
  status: Status,
  ack: Ack,
  command: Command,
  receipts: Receipts,
  log: Log,
  ...Object.fromEntries(Object.entries(builtinCommands).map(([name, { params }]) => [name, params])),
}

/** Values near a schema: each key right, wrong or absent. */
const leaf = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom(-1, 0, 0.1, 1, 60, 255, 256, 60_000, 4_294_967_295, 4_294_967_296, 'on', 'done', 'receipt', 'node_01', ''),
)
const near = (schema: TSchema): fc.Arbitrary<unknown> => {
  const { properties = {}, items } = schema as { properties?: Record<string, TSchema>; items?: TSchema }
  if (items) return fc.oneof(leaf, fc.array(near(items), { maxLength: 3 }))
  const keys = Object.fromEntries(Object.entries(properties).map(([key, inner]) => [key, near(inner)]))
  const inner = Object.values((schema as { patternProperties?: Record<string, TSchema> }).patternProperties ?? {})[0]
  if (inner)
    return fc.oneof(
      leaf,
      fc.dictionary(fc.constantFrom('a', 'B', 'relay', '__proto__'), near(inner), { maxKeys: 2, noNullPrototype: true }),
    )
  return Object.keys(keys).length === 0 ? leaf : fc.oneof(leaf, fc.record({ ...keys, extra: leaf }, { requiredKeys: [] }))
}

test.each(Object.entries(checked))('%s: the walk agrees with typebox on every value', (_, schema) => {
  fc.assert(
    fc.property(near(schema), value => {
      expect(firstFault(schema, value) === null).toBe(Check(schema, value))
    }),
    { numRuns: 300 },
  )
})

test('JSON that the decoder accepts whole fits the schema of telemetry', () => {
  const telemetry = messageKinds[0]!.schema
  const accepted = loadVectors(['telemetry']).filter(({ expect }) => 'points' in expect && !expect.rejects && !expect.settled)
  expect(accepted.length).toBeGreaterThan(50)
  for (const { id, payload } of accepted.filter(({ id }) => id !== 'telemetry/batch-rssi-on-top')) {
    expect(Check(telemetry, JSON.parse(Buffer.from(payload).toString())), id).toBe(true)
  }
})

test('every example in the reference fits its schema', () => {
  for (const { name, schema, example } of messageKinds) expect(Check(schema, example), name).toBe(true)
})

describe('a fault names the place, what was there and what is allowed', () => {
  test('a value out of its range', () => {
    expect(judgeCommand('set_led', { state: 'on', brightness: 300 })).toEqual({
      code: 'bad_params',
      message: 'brightness is 300, allowed: a whole number 0 to 255 (set_led)',
    })
  })

  test('a key that is missing', () => {
    expect(judgeCommand('set_led', {})?.message).toBe('state is nothing, allowed: "on" or "off" (set_led)')
  })

  test('a key that is unknown', () => {
    expect(judgeCommand('set_led', { state: 'on', color: 'red' })?.message).toBe(
      'color is "red", allowed: only state, brightness (set_led)',
    )
    expect(judgeCommand('ping', { x: 1 })?.message).toBe('x is 1, allowed: nothing here (ping)')
  })

  test('a place inside of a list', () => {
    expect(firstFault(Status, { node_id: 'node_01', online: true, sensors: [{ name: 't' }, { name: 5 }] })).toEqual({
      path: 'sensors[1].name',
      got: '5',
      allowed: 'text of at most 64 characters',
    })
  })

  test('long text is cut', () => {
    expect(firstFault(Log, { level: 'info', msg: 'x', timestamp: 'y'.repeat(100) })?.got.length).toBeLessThan(50)
  })
})
