import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { rawNode } from '../raw-node.ts'

/** Commands when something dies half-way: the final state is the contract's, and nothing is executed twice. */
let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up

beforeEach(async () => {
  data = await temporaryData()
  house = await up(data.dir)
})
afterEach(async () => {
  await house.stop()
  await data.remove()
})

const birth = (boot: number, caps: string[] = ['dedupe']) => ({ online: true, boot, interval: 10, caps })
const node = (id = 'valve') => rawNode({ ...house.run.mqtt, id })
const post = async (id: string, command: string, expires = 300) => {
  const answer = await house.api(`/api/nodes/${id}/commands`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ command, expires }),
  })
  expect(answer.status).toBe(202)
  return answer.body.id as string
}
const show = async (id: string) => (await house.api(`/api/commands/${id}`)).body
const reaches = (id: string, state: string) =>
  until(`${state} (is ${'now'})`, async () => {
    const command = await show(id)
    return command.state === state ? command : undefined
  })

describe('a node that remembers ids (dedupe)', () => {
  test('an ack that was lost is asked for again at the next birth: byte-identical, and the node answers from memory', async () => {
    const first = await node()
    await first.subscribe()
    await first.publish('status', birth(1))
    const id = await post('valve', 'open')
    const delivered = await first.command()
    await reaches(id, 'sent')
    await first.cut() // executed, the ack never left

    const second = await node()
    await second.subscribe()
    await second.publish('status', birth(2))
    const again = await second.command()
    expect(again.payload).toBe(delivered.payload)
    await second.publish('ack', { id, command: 'open', state: 'done' })
    const command = await reaches(id, 'done')
    expect(command).toMatchObject({ attempts: 2, matched: 'id' })
    await second.cut()
  })

  test('a node cut off in the middle of the work says interrupted, and that is the end', async () => {
    const first = await node()
    await first.subscribe()
    await first.publish('status', birth(1))
    const id = await post('valve', 'open')
    await first.command()
    await first.publish('ack', { id, command: 'open', state: 'running' })
    await reaches(id, 'running')
    await first.cut()
    const second = await node()
    await second.subscribe()
    await second.publish('status', birth(2))
    await second.command()
    await second.publish('ack', {
      id,
      command: 'open',
      state: 'failed',
      error: { code: 'interrupted', message: 'power was cut' },
    })
    expect(await reaches(id, 'failed')).toMatchObject({ error: { code: 'interrupted' } })
    await second.publish('ack', { id, command: 'open', state: 'running' })
    expect((await show(id)).state).toBe('failed')
    await second.cut()
  })

  test('the manager killed between publish and PUBACK: the command is sent again after the restart, and closes', async () => {
    const first = await node()
    await first.subscribe()
    await first.publish('status', birth(1))
    const id = await post('valve', 'open')
    const delivered = await first.command({ puback: false })
    await house.kill()
    house = await up(data.dir)
    expect(await show(id)).toMatchObject({ state: 'queued', attempts: 1 })
    expect((await house.api(`/api/commands/${id}`, { method: 'DELETE' })).status).toBe(409)
    const second = await node()
    await second.subscribe()
    await second.publish('status', birth(2))
    expect((await second.command()).payload).toBe(delivered.payload)
    await second.publish('ack', { id, command: 'open', state: 'done' })
    expect(await reaches(id, 'done')).toMatchObject({ attempts: 2 })
    await second.cut()
  })
})

describe('a node that does not', () => {
  test('the manager killed between publish and PUBACK: never sent again, unknown at the deadline', async () => {
    const first = await node()
    await first.subscribe()
    await first.publish('status', birth(1, []))
    const id = await post('valve', 'open', 4)
    await first.command({ puback: false })
    await house.kill()
    house = await up(data.dir)
    const second = await node()
    await second.subscribe()
    await second.publish('status', birth(2, []))
    const command = await reaches(id, 'unknown')
    expect(command.attempts).toBe(1)
    expect(second.waiting()).toBe(0)
    // It had run after all: a late answer corrects what the clock guessed.
    await second.publish('ack', { id, command: 'open', state: 'done' })
    await reaches(id, 'done')
    await second.cut()
  })

  test('a command that could never be sent expires, one that was sent and not answered is unknown', async () => {
    const first = await node()
    await first.publish('telemetry', { sensors: { t: 1 } })
    const never = await post('valve', 'open', 2)
    expect(await reaches(never, 'expired')).toMatchObject({ attempts: 0, sent_at: null })
    await first.subscribe()
    await first.publish('telemetry', { sensors: { t: 2 } })
    const sent = await post('valve', 'close', 2)
    await first.command()
    expect(await reaches(sent, 'unknown')).toMatchObject({ attempts: 1 })
    expect((await house.cli('send', 'valve', 'close', '--expires', '2', '--json')).code).toBe(4)
    await first.cut()
  })
})

test('virtual nodes killed and restarted at random execute each command at most once', async () => {
  const log = join(data.dir, 'executed.jsonl')
  await house.stop()
  house = await up(data.dir, '--sim', '2', '--sim-interval', '0.2')
  await until('sim-1', async () => ((await house.api('/api/nodes/sim-1')).status === 200 ? true : undefined))
  const ids: string[] = []
  for (let round = 0; round < 4; round++) {
    for (let k = 0; k < 4; k++) ids.push(await post(`sim-${1 + (k % 2)}`, 'identify', 60))
    if (round % 2 === 1) {
      await house.kill()
      house = await up(data.dir, '--sim', '2', '--sim-interval', '0.2')
    } else ids.push(await post('sim-1', 'reboot', 60))
  }
  for (const id of ids)
    await until(
      `the end of ${id}`,
      async () => (['done', 'failed', 'unknown'].includes((await show(id)).state) ? true : undefined),
      60_000,
    )
  const executed = (await readFile(join(data.dir, 'sim', 'executed.jsonl'), 'utf8').catch(() => readFile(log, 'utf8')))
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line).id)
  for (const id of ids) expect(executed.filter(e => e === id).length, id).toBeLessThanOrEqual(1)
  expect(executed.length).toBeGreaterThan(0)
})
