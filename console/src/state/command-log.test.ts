import { expect, test } from 'vitest'
import type { CommandView } from '../../../src/api/commands.ts'
import { mergeCommands } from './command-log.ts'

const command = (id: string, steps: number, state: CommandView['state'] = 'sent'): CommandView =>
  ({ id, state, history: Array.from({ length: steps }) }) as unknown as CommandView

test('newest first, each once, and never turned back', () => {
  const asked = [command('b', 1, 'queued'), command('a', 3, 'done')]
  const live = [command('c', 1), command('b', 2, 'sent'), command('a', 2, 'sent')]
  expect(mergeCommands(asked, live, () => true).map(one => [one.id, one.state])).toEqual([
    ['c', 'sent'],
    ['b', 'sent'],
    ['a', 'done'],
  ])
  expect(mergeCommands(asked, live, one => one.state === 'done')).toHaveLength(1)
})
