import { expect, test } from 'vitest'
import { builtinCommands, isBuiltin, judgeCommand } from '../../../src/contract/commands.ts'
import { fieldsOf, paramsOf } from './param-fields.ts'

const kinds = (name: keyof typeof builtinCommands) =>
  Object.fromEntries(fieldsOf(builtinCommands[name].params).map(field => [field.name, field.kind]))

test('a field fits its schema', () => {
  expect(kinds('set_led')).toEqual({ state: 'choice', brightness: 'slider' })
  expect(kinds('configure')).toEqual({ rev: 'number', interval: 'number', outputs: 'json', safe_after: 'number' })
  expect(kinds('update_firmware')).toMatchObject({ url: 'text', force: 'switch' })
  expect(kinds('ping')).toEqual({})
})

test('what is filled in comes out typed, and what is empty and optional is left out', () => {
  const fields = fieldsOf(builtinCommands.configure.params)
  expect(paramsOf(fields, { rev: '3', interval: ' 0.5 ', outputs: '{"pump":{"safe":1}}' })).toEqual({
    ok: true,
    params: { rev: 3, interval: 0.5, outputs: { pump: { safe: 1 } } },
  })
})

test('a form left as it opens is good for every command that needs nothing typed', () => {
  for (const name of Object.keys(builtinCommands).filter(isBuiltin)) {
    const fields = fieldsOf(builtinCommands[name].params)
    const filled = paramsOf(fields, {})
    if (filled.ok && fields.every(field => !field.required || field.initial !== ''))
      expect(judgeCommand(name, filled.params)).toBeNull()
  }
})

test('what is no number and no JSON is said with what is allowed', () => {
  const fields = fieldsOf(builtinCommands.configure.params)
  expect(paramsOf(fields, { rev: 'x' })).toEqual({
    ok: false,
    problem: 'rev is "x"; allowed: a whole number from 0 to 4294967295',
  })
  expect(paramsOf(fields, { rev: '1', outputs: '{' })).toMatchObject({ ok: false, problem: expect.stringContaining('JSON') })
})
