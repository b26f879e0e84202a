import { expect, test } from 'vitest'
import { localTime, openOutput, shortNumber, styleOf, table } from './output.ts'

const zoned = (zone: string, ms: number): string => {
  const before = process.env.TZ
  process.env.TZ = zone
  try {
    return localTime(ms, true)
  } finally {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  }
}

test('a time is local and has its offset', () => {
  const ms = Date.UTC(2026, 2, 1, 12, 0, 0, 7)
  expect(zoned('UTC', ms)).toBe('2026-03-01 12:00:00.007 +00:00')
  expect(zoned('Europe/Berlin', ms)).toBe('2026-03-01 13:00:00.007 +01:00')
  expect(zoned('America/St_Johns', ms)).toBe('2026-03-01 08:30:00.007 -03:30')
})

test('columns stand below their titles whatever the colours', () => {
  const style = styleOf(true)
  const text = table(
    ['A', 'B'],
    [
      [style.good('ok'), 'x'],
      ['longer', 'y'],
    ],
    style,
  )
  const plain = text.replace(/\u001b\[\d+m/g, '').split('\n')
  expect(plain).toEqual(['A       B', 'ok      x', 'longer  y'])
})

test('a number is shown without floating dust', () => {
  expect(shortNumber(0.1 + 0.2)).toBe('0.3')
  expect(shortNumber(1013.25)).toBe('1013.25')
})

test('what a board says can neither set a title, clear the screen nor fill the clipboard', () => {
  const written: string[] = []
  const streams = {
    write: (text: string) => void written.push(text),
    writeBytes: async () => undefined,
    writeError: (text: string) => void written.push(text),
    terminal: true,
  }
  const out = openOutput(streams, { json: false, quiet: false, colour: true })
  out.line(`${out.style.bad('error')}\tboiler\u001b]0;owned\u0007 \u001b[2J\u009b2J\r\nnext`)
  out.message('\u001b]52;c;cm0gLXJm\u0007')
  expect(written).toEqual([
    '\u001b[31merror\u001b[0m\tboiler\\x1b]0;owned\\x07 \\x1b[2J\\x9b2J\\x0d\nnext\n',
    '\\x1b]52;c;cm0gLXJm\\x07\n',
  ])
})
