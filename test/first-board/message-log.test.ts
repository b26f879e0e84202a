import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { espalier } from './house.ts'

/** `espalier log`: all messages in files, over a restart of the server, with the hole named. */
let data: Awaited<ReturnType<typeof temporaryData>>
let dir: string
let house: Up
beforeAll(async () => {
  data = await temporaryData()
  dir = await mkdtemp(join(tmpdir(), 'espalier-log-'))
  house = await up(data.dir)
})
afterAll(async () => {
  await house.stop()
  await data.remove()
  await rm(dir, { recursive: true, force: true })
})

async function lines(): Promise<any[]> {
  const texts = []
  for (const name of (await readdir(dir)).sort()) {
    const bytes = await readFile(join(dir, name))
    texts.push((name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString())
  }
  return texts
    .join('')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
}

test('messages are written as they pass, a restart of the server is a named gap, SIGTERM loses nothing', async () => {
  const log = espalier('log', '--dir', dir, '--topic', 'iot/node/+/telemetry', '--data', data.dir)
  await log.line(/^writing iot\/node\/\+\/telemetry to /)
  const publish = (text: string) => house.cli('pub', 'iot/node/01/telemetry', text, '--qos', '1')
  await until('the subscription', async () => {
    await publish('{"n":0}')
    return (await lines()).length > 0 ? true : undefined
  })
  expect((await lines())[0]).toEqual({
    time: expect.any(Number),
    topic: 'iot/node/01/telemetry',
    payload: '{"n":0}',
    qos: 1,
    retain: false,
  })
  await house.stop()
  await log.line(/the connection is gone/)
  house = await up(data.dir)
  await log.line(/connected again; nothing was seen for/)
  await publish('{"n":1}')
  await until('the new message', async () => ((await lines()).some(({ payload }) => payload === '{"n":1}') ? true : undefined))
  await publish('{"n":2}')
  expect(await log.stop()).toBe(0)
  const all = await lines()
  expect(all.filter(({ gap }) => gap)).toMatchObject([
    { gap: { from: expect.any(Number), to: expect.any(Number), why: 'not connected' } },
  ])
})

test('nothing runs: exit 5, and no file is made', async () => {
  const none = await temporaryData()
  const log = espalier('log', '--dir', join(none.dir, 'files'), '--data', join(none.dir, 'nothing'))
  await log.line(/error unreachable/)
  expect(await log.stop()).toBe(5)
  expect(await readdir(none.dir)).toEqual([])
  await none.remove()
})
