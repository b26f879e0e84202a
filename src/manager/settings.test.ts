import { expect, test } from 'vitest'
import { loadFile, type Resolved, resolveUp } from '../config/config.ts'
import { type Log, withPriorities } from './log.ts'
import { type Good, openSettings } from './settings.ts'

const told: unknown[] = []
const keep = (...what: unknown[]): void => void told.push(what)
const log = { info: keep, warn: keep, error: keep } as unknown as Log

const resolved = (yaml: string, flags: Record<string, string> = {}): Resolved => {
  const loaded = loadFile(yaml, 'espalier.yaml')
  if (!loaded.ok) return loaded
  const readSecret = () => ({ ok: false, what: 'no such file', allowed: 'a file' }) as const
  return resolveUp({ data: 'data', flags, env: {}, file: loaded.file, readSecret })
}

const settingsOf = (first: string, flags: Record<string, string> = {}) => {
  let text = first
  const settings = openSettings(resolved(text, flags) as Good, async () => resolved(text, flags), log)
  return { settings, write: (next: string) => (text = next) }
}

test('a reload takes over what it can and says what waits for a restart', async () => {
  const { settings, write } = settingsOf('up:\n  log_level: warn\n  sim: 1\n')
  const seen: string[] = []
  settings.onChange('logLevel', level => void seen.push(`${level} ${settings.current.logLevel}`))
  write('up:\n  log_level: debug\n  sim: 2\n')
  expect(await settings.reload()).toEqual({ ok: true, applied: ['up.log_level'], needs_restart: ['up.sim'] })
  expect(seen).toEqual(['debug debug'])
  expect(settings.current.sim).toBe(1)
  expect(settings.waiting()).toEqual(['up.sim'])
  // It goes on waiting, and it ends when the file is put back.
  expect(await settings.reload()).toEqual({ ok: true, applied: [], needs_restart: ['up.sim'] })
  write('up:\n  log_level: debug\n  sim: 1\n')
  expect(await settings.reload()).toEqual({ ok: true, applied: [], needs_restart: [] })
  expect(settings.waiting()).toEqual([])
})

test('a file with a mistake changes nothing and says why', async () => {
  const { settings, write } = settingsOf('up:\n  log_level: warn\n')
  write('up:\n  log_level: debug\nbackup:\n  keep: none\n')
  expect(await settings.reload()).toEqual({
    ok: false,
    errors: [
      { path: 'espalier.yaml:4: backup.keep', message: '"none" can\'t be used', allowed: 'a whole number from 1 to 1000' },
    ],
  })
  expect(settings.current.logLevel).toBe('warn')
})

test('a flag stays on top of a file that is read again', async () => {
  const { settings, write } = settingsOf('', { 'log-level': 'error' })
  write('up:\n  log_level: debug\n')
  expect(await settings.reload()).toEqual({ ok: true, applied: [], needs_restart: [] })
  expect(settings.current.logLevel).toBe('error')
})

test('a part that fails to take a value over keeps no other from it', async () => {
  const { settings, write } = settingsOf('')
  let keep = 0
  settings.onChange('backupKeep', () => {
    throw new Error('no')
  })
  settings.onChange('backupKeep', value => void (keep = value))
  write('backup:\n  keep: 9\n')
  expect(await settings.reload()).toMatchObject({ ok: true, applied: ['backup.keep'] })
  expect(keep).toBe(9)
})

test('every setting says where it comes from, as it is written', () => {
  const { settings } = settingsOf('retention:\n  raw_age: 365d\n', { 'mqtt-port': '0' })
  const of = (key: string) => settings.views().find(view => view.key === key)
  expect(of('retention.raw_age')).toMatchObject({ value: '1y', from: 'espalier.yaml:2', reload: true })
  expect(of('up.mqtt_port')).toMatchObject({ value: 0, from: 'command line', reload: false })
  expect(of('backup.dir')).toMatchObject({ value: null, from: 'default' })
})

test('in the journal each line begins with its priority', () => {
  const lines: string[] = []
  const stream = withPriorities({ write: line => void lines.push(line) }) as { lastLevel: number; write(line: string): void }
  for (const level of [10, 20, 30, 40, 50, 60]) {
    stream.lastLevel = level
    stream.write('x')
  }
  expect(lines).toEqual(['<7>x', '<7>x', '<6>x', '<4>x', '<3>x', '<2>x'])
})
