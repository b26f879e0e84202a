import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Check } from 'typebox/schema'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { defaultRules } from '../../src/config/alert-defaults.ts'
import { alertsSchema } from '../../src/config/alerts-schema.ts'
import { loadFile, resolveUp } from '../../src/config/config.ts'

const guide = readFileSync(fileURLToPath(new URL('../../docs/guide/alerts.md', import.meta.url)), 'utf8')
const examples = [...guide.matchAll(/```yaml\n([\s\S]*?)```/g)].map(m => m[1]!)

test.each(examples.map((text, i) => [i + 1, text] as const))('example %i of the guide can be used as it stands', (_, text) => {
  const loaded = loadFile(text.replace('channels: [phone]', ''), 'espalier.yaml')
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const resolved = resolveUp({
    data: 'd',
    flags: {},
    env: {},
    file: loaded.file,
    readSecret: () => ({ ok: true, value: 's3cret' }),
  })
  expect(resolved).toMatchObject({ ok: true })
})

test.each(examples.map((text, i) => [i + 1, text] as const))('an editor finds nothing wrong with example %i', (_, text) => {
  const { alerts } = parse(text) as { alerts: unknown }
  expect(Check(alertsSchema as never, alerts)).toBe(true)
  expect(Check(alertsSchema as never, { rules: [{ name: 'x', kind: 'silent', fro: '1h' }] })).toBe(false)
  expect(Check(alertsSchema as never, { channels: { bot: { type: 'telegram', chat: 5, token: 'secret' } } })).toBe(false)
})

test('the guide names every default rule', () => {
  expect(examples.length).toBe(2)
  for (const { name } of defaultRules) expect(guide).toContain(`| \`${name}\` |`)
})
