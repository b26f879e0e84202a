import { expect, test } from 'vitest'
import { type CommandView, commandStates } from '../../../src/api/commands.ts'
import { saidOf } from './update-said.ts'

const command = (more: Partial<CommandView>): CommandView => ({
  id: '01A',
  node: '01',
  command: 'update_firmware',
  params: { version: '1.4.2' },
  state: 'running',
  queued_at: 0,
  sent_at: 0,
  final_at: null,
  expires: 1,
  progress: null,
  result: null,
  error: null,
  matched: null,
  attempts: 1,
  history: [],
  by: 'api',
  ...more,
})

test('every state says which version it is about', () => {
  for (const state of commandStates) expect(saidOf(command({ state })).text).toContain('1.4.2')
})

test('a download shows how far it is; at its end the board is not done yet', () => {
  expect(saidOf(command({ progress: 40 }))).toMatchObject({ percent: 40, underWay: true, tone: 'info' })
  expect(saidOf(command({ progress: 100 }))).toMatchObject({ percent: 100, underWay: true })
  expect(saidOf(command({ state: 'done', progress: 100 }))).toMatchObject({ percent: null, underWay: false, tone: 'ok' })
})

test('a failure says why in words and what to do; a code of somebody else’s firmware stands for itself', () => {
  const failed = (code: string, message: string) => saidOf(command({ state: 'failed', error: { code, message } })).reason
  expect(failed('bad_signature', '')).toMatch(/signature.*Sign with the right key/)
  expect(failed('out_of_coffee', 'the pot is empty')).toBe('the pot is empty')
})
