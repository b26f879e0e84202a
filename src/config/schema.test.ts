import { Compile } from 'typebox/compile'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { loadFile, resolveUp } from './config.ts'
import { configSchema } from './schema.ts'

const schema = Compile(configSchema() as never)
const readSecret = () => ({ ok: false, what: 'no such file', allowed: 'a file' }) as const

/** What the schema says of a text, and what `up` says of it. */
const both = (text: string): [boolean, boolean] => {
  const loaded = loadFile(text, 'f')
  const taken = loaded.ok && resolveUp({ data: 'd', flags: {}, env: {}, file: loaded.file, readSecret }).ok
  return [schema.Check(parse(text) ?? {}), taken]
}

test.each([
  '',
  'up:\n',
  'up:\n  mqtt_port: 1883\n  lan: on\n',
  'retention:\n  raw_age: 30d\n  raw_size: 10GB\n',
  'backup:\n  dir:\n',
  'nodes:\n  unclaimed: refuse\n',
])('the schema takes what up takes: %j', text => {
  expect(both(text)).toEqual([true, true])
})

test.each([
  'up:\n  mqtt_port: 70000\n',
  'up:\n  mqtt_prot: 1\n',
  'nodes:\n  unclaimed: maybe\n',
  'retention:\n  raw_age: 30\n',
  'sim: 3\n',
])('the schema refuses what up refuses: %j', text => {
  expect(both(text)).toEqual([false, false])
})
