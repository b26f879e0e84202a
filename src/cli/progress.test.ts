import { expect, test } from 'vitest'
import { type Passed, progressText, watched } from './progress.ts'

async function* texts(...list: string[]): AsyncGenerator<Uint8Array> {
  for (const text of list) yield Buffer.from(text)
}

async function run(rows: number | null, header: boolean, ...list: string[]) {
  const passed: Passed = { rows, bytes: 0 }
  const shown: string[] = []
  let now = 0
  let out = ''
  const options = { header, nowMs: () => (now += 250), show: (line: string) => void shown.push(line) }
  for await (const piece of watched(texts(...list), passed, options)) out += Buffer.from(piece).toString()
  return { passed, shown, out }
}

test('everything is handed on, and counted without the header, wherever the pieces are cut', async () => {
  const { passed, out } = await run(0, true, 'time,no', 'de\n1,a\n2,', 'b\n')
  expect(out).toBe('time,node\n1,a\n2,b\n')
  expect(passed).toEqual({ rows: 2, bytes: 18 })
  expect((await run(0, false, '{}\n{}\n')).passed.rows).toBe(2)
  expect((await run(null, false, 'PAR1\n\n')).passed).toEqual({ rows: null, bytes: 6 })
})

test('twice a second a line says how far and how fast, at the end it goes', async () => {
  const { shown } = await run(0, false, 'a\n', 'b\n', 'c\n', 'd\n')
  expect(shown).toEqual(['waiting for the first rows', '2 rows, 0.0 MB, 4 rows/s', '4 rows, 0.0 MB, 4 rows/s', ''])
})

test('numbers are written for people', () => {
  expect(progressText({ rows: 1_234_567, bytes: 98_765_432 }, 3000)).toBe('1,234,567 rows, 98.8 MB, 411,522 rows/s')
  expect(progressText({ rows: null, bytes: 5_000_000 }, 2000)).toBe('5.0 MB, 2.5 MB/s')
})
