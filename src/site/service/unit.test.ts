import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type UnitPlan, unitName, unitText } from './unit.ts'

const plan: UnitPlan = {
  scope: 'system',
  node: process.execPath,
  main: import.meta.filename ?? new URL(import.meta.url).pathname,
  data: '/var/lib/espalier',
  flags: ['--lan'],
  user: null,
  writes: [],
}

test('a system unit is sandboxed, and machine code can still be written', () => {
  const text = unitText({ ...plan, writes: ['/mnt/usb stick'] })
  for (const line of [
    'DynamicUser=yes',
    'ProtectSystem=strict',
    'NoNewPrivileges=yes',
    'ReadWritePaths="/mnt/usb stick"',
    'Restart=on-failure',
    'ExecReload=/bin/kill -HUP $MAINPID',
  ])
    expect(text.split('\n')).toContain(line)
  expect(text).not.toContain('MemoryDenyWriteExecute')
})

test('the data of a named user may be written, and a home folder is read', () => {
  const text = unitText({ ...plan, user: 'pi', data: '/home/pi/espalier data' })
  expect(text).toContain('User=pi\nReadWritePaths="/home/pi/espalier data"\n')
  expect(text).toContain('ProtectHome=read-only')
  expect(text).not.toContain('DynamicUser')
})

test('spaces, quotes, percent and dollar signs of a path stay what they are', () => {
  const text = unitText({ ...plan, scope: 'user', data: '/a b/"c"/100%/$HOME' })
  expect(text).toContain(String.raw`"--data" "/a b/\"c\"/100%%/$$HOME" "--lan"`)
})

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0

describe('systemd-analyze (needs systemd)', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'espalier-unit '))
  })
  afterEach(() => rmSync(dir, { recursive: true }))
  const run = (text: string, ...args: string[]) => {
    const file = join(dir, unitName)
    writeFileSync(file, text)
    const done = spawnSync('systemd-analyze', [...args, file], {
      encoding: 'utf8',
      env: { ...process.env, XDG_RUNTIME_DIR: dir },
    })
    return { code: done.status, said: done.stdout + done.stderr }
  }

  test.skipIf(!analyze).each<[string, UnitPlan, string[]]>([
    ['a user of its own', plan, ['verify']],
    ['a named user', { ...plan, user: 'root', data: '/srv/espalier data', writes: ['/mnt/usb stick'] }, ['verify']],
    ['a user unit', { ...plan, scope: 'user', data: '/home/pi/my data/100%' }, ['--user', 'verify']],
  ])('finds nothing wrong with %s', (_, one, args) => {
    const { code, said } = run(unitText(one), ...args)
    expect(said.split('\n').filter(line => line.includes(unitName))).toEqual([])
    expect(code).toBe(0)
  })

  test.skipIf(!analyze)('calls the system unit well protected', () => {
    const { said } = run(unitText(plan), 'security', '--offline=yes', '--threshold=20')
    const level = Number(/Overall exposure level for .*: ([\d.]+)/.exec(said)?.[1])
    console.log(`exposure ${level} of 10`)
    expect(level).toBeLessThan(2)
  })
})
