import { describe, expect, test } from 'vitest'
import type { CommandView } from '../../api/commands.ts'
import type { FirmwareView } from '../../api/firmware.ts'
import { choose, inOrder, type Situation } from './choose.ts'

const image = (version: string, board = 'esp32dev'): FirmwareView => ({
  version,
  board,
  size: 1,
  sha256: `${board} ${version}`,
  signature: '',
  key: '',
  added_at: 0,
})

const earlier = (version: string, state: CommandView['state'], code?: string): CommandView => ({
  id: `01${version}`,
  node: '01',
  command: 'update_firmware',
  params: { version, sha256: `esp32dev ${version}` },
  state,
  queued_at: 0,
  sent_at: 0,
  final_at: ['done', 'failed', 'unknown'].includes(state) ? 1 : null,
  expires: 1,
  progress: null,
  result: null,
  error: code === undefined ? null : { code, message: '' },
  matched: null,
  attempts: 1,
  history: [],
  by: 'api',
})

const situation = (more: Partial<Situation> = {}): Situation => ({
  node: '01',
  board: 'esp32dev',
  version: '1.0.0',
  confirmed: true,
  images: [image('1.0.0'), image('1.1.0'), image('2.0.0', 'esp32s3')],
  earlier: [],
  ...more,
})

const why = (result: ReturnType<typeof choose>): string => (result.ok ? result.value.version : `${result.why}: ${result.detail}`)
const rolledBack = (times: number): CommandView[] =>
  Array.from({ length: times }, () => earlier('1.1.0', 'failed', 'rolled_back'))

describe('the image for a node', () => {
  test('is the one of that version for its own board', () => {
    expect(why(choose(situation(), { version: '1.1.0' }))).toBe('1.1.0')
    expect(why(choose(situation(), { version: '2.0.0' }))).toMatch(/^conflict: .*esp32s3/)
    expect(why(choose(situation(), { version: '3.0.0' }))).toMatch(/^no_such_image: .*1\.0\.0, 1\.1\.0/)
    expect(why(choose(situation({ board: null }), { version: '1.1.0' }))).toMatch(/^conflict: .*which board/)
  })

  test('is not sent beside another update, forced or not', () => {
    const busy = situation({ earlier: [earlier('1.1.0', 'running')] })
    expect(why(choose(busy, { version: '1.1.0' }))).toMatch(/^conflict: .*already.*running/)
    expect(why(choose(busy, { version: '1.1.0', force: true }))).toMatch(/^conflict/)
  })

  test('is not the one that runs, unless forced, or while that one is on trial', () => {
    expect(why(choose(situation(), { version: '1.0.0' }))).toMatch(/^conflict: .*runs 1\.0\.0 already/)
    expect(why(choose(situation(), { version: '1.0.0', force: true }))).toBe('1.0.0')
    expect(why(choose(situation({ confirmed: false }), { version: '1.0.0' }))).toBe('1.0.0')
  })

  test('may have been gone back from twice; a third time wants force, and a success in between counts anew', () => {
    expect(why(choose(situation({ earlier: rolledBack(2) }), { version: '1.1.0' }))).toBe('1.1.0')
    expect(why(choose(situation({ earlier: rolledBack(3) }), { version: '1.1.0' }))).toMatch(/^conflict: .*3 times/)
    expect(why(choose(situation({ earlier: rolledBack(3) }), { version: '1.1.0', force: true }))).toBe('1.1.0')
    const worked = [...rolledBack(2), earlier('1.1.0', 'done'), ...rolledBack(3)]
    expect(why(choose(situation({ earlier: worked }), { version: '1.1.0' }))).toBe('1.1.0')
    const other = [...rolledBack(2), earlier('1.1.0', 'failed', 'download_failed')]
    expect(why(choose(situation({ earlier: other }), { version: '1.1.0' }))).toBe('1.1.0')
  })
})

test('images stand by board, the highest version first', () => {
  const list = [image('1.9.0'), image('1.10.0'), image('1.10.0-rc.1'), image('0.1.0', 'a')]
  expect(inOrder(list).map(({ board, version }) => `${board} ${version}`)).toEqual([
    'a 0.1.0',
    'esp32dev 1.10.0',
    'esp32dev 1.10.0-rc.1',
    'esp32dev 1.9.0',
  ])
})
