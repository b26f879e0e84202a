import { createHash, createPublicKey, verify } from 'node:crypto'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { CommandView } from '../../src/api/commands.ts'
import { manifestText } from '../../src/contract/manifest.ts'
import { cli, temporaryData, type Up, until, up } from '../espalier.ts'
import { type RawNode, rawNode } from '../raw-node.ts'
import { fetchImage, imageFile } from './image.ts'

/** Updates over real TLS, with boards in the test's hand: what they fetch, what they say, what everybody else sees. */
const board = 'test-board'
let data: Awaited<ReturnType<typeof temporaryData>>
let house: Up
let ca: string
let image: Buffer
let added: { version: string; board: string; size: number; sha256: string; signature: string }

const lan = ['--lan', '--mqtts-port', '0', '--https-port', '0']

beforeAll(async () => {
  data = await temporaryData()
  house = await up(data.dir, ...lan)
  ca = await readFile(join(data.dir, 'ca/ca.pem'), 'utf8')
  image = await imageFile(join(data.dir, 'two.bin'), board, '2.0.0')
  const result = await house.cli('firmware', 'add', join(data.dir, 'two.bin'), '--version', '2.0.0', '--board', board, '--json')
  expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining('keys/firmware.pem') })
  added = result.json()
})
afterAll(async () => {
  await house.stop()
  await data.remove()
})

/** A board that is there and says what it runs. */
async function boardCalled(
  id: string,
  of = house,
): Promise<RawNode & { says(version: string, confirmed: boolean): Promise<void> }> {
  const node = await rawNode({ ...of.run.mqtt, id })
  onTestFinished(() => node.cut())
  await node.subscribe()
  const says = (version: string, confirmed: boolean) =>
    node.publish('status', {
      node_id: `node_${id}`,
      online: true,
      boot: 7,
      board,
      caps: ['dedupe'],
      firmware: { version, slot: 'a', confirmed },
    })
  await says('1.0.0', true)
  await until('the node', async () => ((await of.api(`/api/nodes/${id}`)).body.board === board ? true : undefined))
  return { ...node, says }
}

const update = async (id: string, body: object = { version: '2.0.0' }, of = house) =>
  of.api(`/api/nodes/${id}/update`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const commandOf = (id: string, of = house): Promise<CommandView> => of.api(`/api/commands/${id}`).then(({ body }) => body)

const ack = (node: RawNode, id: string, state: string, more: object = {}) =>
  node.publish('ack', { node_id: `node_${node.id}`, id, command: 'update_firmware', state, ...more })

describe('adding an image', () => {
  test('gives what nodes check: size, hash, and a signature by the key they are given', async () => {
    expect(Object.keys(added)).toEqual(['version', 'board', 'size', 'sha256', 'signature'])
    expect(added).toMatchObject({ size: image.length, sha256: createHash('sha256').update(image).digest('hex') })
    const { public_key } = (await house.api('/api/firmware/key')).body
    const key = createPublicKey({ key: Buffer.from(public_key, 'base64'), format: 'der', type: 'spki' })
    expect(verify('sha256', Buffer.from(manifestText(added)), key, Buffer.from(added.signature, 'base64'))).toBe(true)
  })

  test('the key is its owner’s alone, is told of once, and signs the next image too', async () => {
    const file = join(data.dir, 'keys/firmware.pem')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    await chmod(file, 0o644)
    const { findings } = (await house.cli('doctor', '--json')).json()
    expect(findings).toContainEqual(expect.objectContaining({ code: 'file_open', subject: file }))
    await chmod(file, 0o600)
    expect(house.stderr().split('firmware.pem')).toHaveLength(2)
    await imageFile(join(data.dir, 'three.bin'), board, '3.0.0')
    const again = await house.cli('firmware', 'add', join(data.dir, 'three.bin'), '--version', '3.0.0', '--board', board)
    expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining('firmware.pem') })
    expect((await house.cli('firmware', 'list', '--json')).json().map((i: { version: string }) => i.version)).toEqual([
      '3.0.0',
      '2.0.0',
    ])
    expect(await house.cli('firmware', 'remove', '--version', '3.0.0', '--board', board)).toMatchObject({ code: 0 })
  })

  test.each([
    ['another version', '2.0.1', board, 'version 2.0.0 for test-board'],
    ['another board', '2.0.0', 'esp32dev', 'version 2.0.0 for test-board'],
    ['a version that is none', '2.0', board, 'SemVer'],
  ])('called %s it is refused, with what it is', async (_, version, called, says) => {
    const refused = await house.cli('firmware', 'add', join(data.dir, 'two.bin'), '--version', version, '--board', called)
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining(says) })
  })

  test('without a marker it is refused; so are other bytes under a version that is there', async () => {
    await writeFile(join(data.dir, 'plain.bin'), Buffer.alloc(5_000, 7))
    const add = (file: string) => house.cli('firmware', 'add', join(data.dir, file), '--version', '2.0.0', '--board', board)
    expect(await add('plain.bin')).toMatchObject({ code: 2, stderr: expect.stringContaining('does not say what it is') })
    await imageFile(join(data.dir, 'other.bin'), board, '2.0.0')
    expect(await add('other.bin')).toMatchObject({ code: 3, stderr: expect.stringContaining('already') })
    expect(await add('two.bin')).toMatchObject({ code: 0 })
  })

  test('one that is too large is refused on the way', async () => {
    const answer = await house
      .api(`/api/firmware?version=9.0.0&board=${board}`, {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream' },
        body: Buffer.alloc(17 * 1024 * 1024),
      })
      // The rest of the body is not taken: a client may see the closed line before it reads the answer.
      .catch(() => ({ status: 413 }))
    expect(answer.status).toBe(413)
    expect((await house.api('/api/firmware')).body.items).toHaveLength(1)
  })

  test('the private key may stay elsewhere: the server gets the signature, and never a second key', async () => {
    const other = await temporaryData()
    onTestFinished(other.remove)
    const away = await up(other.dir)
    onTestFinished(async () => void (await away.stop()))
    const key = join(data.dir, 'stick.pem')
    const add = (...flags: string[]) =>
      away.cli('firmware', 'add', join(data.dir, 'two.bin'), '--version', '2.0.0', '--board', board, ...flags)
    expect(await add('--key', key)).toMatchObject({ code: 0, stderr: expect.stringContaining(`was made: ${key}`) })
    expect((await stat(key)).mode & 0o777).toBe(0o600)
    await expect(stat(join(other.dir, 'keys/firmware.pem'))).rejects.toThrow('ENOENT')
    expect((await away.api('/api/firmware/key')).body).toMatchObject({ private_here: false })
    expect(await add('--key', `${key}x`)).toMatchObject({ code: 2, stderr: expect.stringContaining('is not there') })
    expect(await add('--key', key)).toMatchObject({ code: 0, stderr: expect.not.stringContaining('was made') })
    await imageFile(join(data.dir, 'four.bin'), board, '4.0.0')
    const unsigned = await away.cli('firmware', 'add', join(data.dir, 'four.bin'), '--version', '4.0.0', '--board', board)
    expect(unsigned).toMatchObject({ code: 3, stderr: expect.stringContaining('--key F') })
  })
})

describe('an image on its way', () => {
  test('goes whole, or by any range, to the token of the update', async () => {
    const node = await boardCalled('ranges')
    const started = await update('ranges')
    expect(started).toMatchObject({ status: 202, body: { state: 'queued', command: 'update_firmware' } })
    const { params } = (await node.command()).body
    expect(params).toMatchObject({
      ...added,
      url: expect.stringMatching(`^https://127\\.0\\.0\\.1:${house.run.https!.port}/fw/`),
    })
    expect(params.url.length).toBeLessThanOrEqual(512)

    const whole = await fetchImage(params.url, ca)
    expect(whole).toMatchObject({ status: 200, headers: { 'accept-ranges': 'bytes', etag: `"${added.sha256}"` } })
    expect(whole.body.equals(image)).toBe(true)

    const place = fc.nat({ max: image.length + 1_000 })
    await fc.assert(
      fc.asyncProperty(place, place, fc.constantFrom('from-to', 'from', 'last'), async (a, b, form) => {
        const [low, high] = a < b ? [a, b] : [b, a]
        const range = form === 'from-to' ? `${low}-${high}` : form === 'from' ? `${low}-` : `-${low}`
        const wanted =
          form === 'last'
            ? image.subarray(Math.max(0, image.length - low))
            : image.subarray(low, form === 'from' ? undefined : high + 1)
        const { status, headers, body } = await fetchImage(params.url, ca, { range: `bytes=${range}` })
        if (wanted.length === 0 || (form === 'last' && low === 0)) {
          expect([status, headers['content-range']]).toEqual([416, `bytes */${image.length}`])
          return
        }
        const from = form === 'last' ? image.length - wanted.length : low
        expect(status).toBe(206)
        expect(headers['content-range']).toBe(`bytes ${from}-${from + wanted.length - 1}/${image.length}`)
        expect(body.equals(wanted)).toBe(true)
      }),
      { numRuns: 60 },
    )
    const resumed = await fetchImage(params.url, ca, { range: 'bytes=4096-', 'if-range': '"another"' })
    expect([resumed.status, resumed.body.length]).toEqual([200, image.length])
    await ack(node, started.body.id, 'rejected', { error: { code: 'hardware', message: 'no' } })
    await until('the end', async () => ((await commandOf(started.body.id)).final_at === null ? undefined : true))
  })

  test('stays shut to every other token, and without TLS', async () => {
    const node = await boardCalled('shut')
    const { body } = await update('shut')
    const { url } = (await node.command()).body.params
    const token = new URL(url).searchParams.get('t')!
    const base = url.slice(0, url.indexOf('/fw/'))
    const flipped = (token[0] === 'A' ? 'B' : 'A') + token.slice(1)
    const before = await refusedSoFar()
    for (const path of [
      `/fw/${added.sha256}`,
      `/fw/${added.sha256}?t=`,
      `/fw/${added.sha256}?t=${flipped}`,
      `/fw/${added.sha256}?t=${token}x`,
      `/fw/${'0'.repeat(64)}?t=${token}`,
      `/fw/..%2f..%2ftoken?t=${token}`,
    ]) {
      const { status, body: text } = await fetchImage(base + path, ca)
      expect([path, status]).toEqual([path, 404])
      expect(text.toString()).not.toContain(added.sha256)
    }
    const plain = await fetch(`${house.url}/fw/${added.sha256}?t=${token}`)
    expect(plain.status).toBe(404)
    expect(await refusedSoFar()).toBe(before + 6)

    expect((await fetchImage(url, ca)).status).toBe(200)
    await ack(node, body.id, 'failed', { error: { code: 'bad_hash', message: '' } })
    await until('used up', async () => ((await fetchImage(url, ca)).status === 404 ? true : undefined))
  })

  test('who tries many tokens is told to wait; who has the right one is not', async () => {
    const node = await boardCalled('guess')
    await update('guess')
    const { url } = (await node.command()).body.params
    const wrong = `${url}x`
    await until('the wait', async () => ((await fetchImage(wrong, ca)).status === 429 ? true : undefined))
    expect((await fetchImage(url, ca)).status).toBe(200)
  })

  test('after kill -9 of the server the token opens it as before', async () => {
    const other = await temporaryData()
    onTestFinished(other.remove)
    const first = await up(other.dir, ...lan)
    onTestFinished(() => first.kill())
    await first.cli('firmware', 'add', join(data.dir, 'two.bin'), '--version', '2.0.0', '--board', board)
    const node = await boardCalled('kill', first)
    const { body } = await update('kill', undefined, first)
    const { url } = (await node.command()).body.params
    await first.kill()
    const ports = ['--https-port', String(first.run.https!.port), '--mqtts-port', '0', '--lan']
    const second = await up(other.dir, ...ports)
    onTestFinished(async () => void (await second.stop()))
    const own = await readFile(join(other.dir, 'ca/ca.pem'), 'utf8')
    expect((await fetchImage(url, own)).status).toBe(200)
    expect((await commandOf(body.id, second)).state).not.toBe('failed')
  })
})

/** The event stream from its beginning up to the first word of this command. */
async function replayed(command: string): Promise<string> {
  const ended = new AbortController()
  const headers = { authorization: `Bearer ${house.token}`, 'last-event-id': '0' }
  const { body } = await fetch(`${house.url}/api/events?types=command`, { headers, signal: ended.signal })
  let text = ''
  for await (const piece of body!) {
    text += Buffer.from(piece).toString()
    if (text.includes(command)) break
  }
  ended.abort()
  return text
}

async function refusedSoFar(): Promise<number> {
  const text = (await house.api<string>('/metrics')).body
  return Number(/^espalier_firmware_refused_total (\d+)$/m.exec(text)![1])
}

describe('an update', () => {
  test('ends done when the node runs the new version, confirmed, and no sooner', async () => {
    const node = await boardCalled('good')
    const waiting = house.cli('update', 'good', '--version', '2.0.0', '--wait', '--json')
    const { id } = (await node.command()).body
    await ack(node, id, 'accepted')
    await ack(node, id, 'running', { progress: 40 })
    await until('progress', async () => ((await commandOf(id)).progress === 40 ? true : undefined))
    await ack(node, id, 'done')
    await until('the claim', async () => ((await commandOf(id)).progress === 100 ? true : undefined))
    expect((await commandOf(id)).state).toBe('running')
    await node.says('2.0.0', false)
    await node.says('2.0.0', true)
    const { code, json } = await waiting
    expect(code).toBe(0)
    expect(json()).toMatchObject({ id, state: 'done', params: { version: '2.0.0' } })
    expect(await house.cli('update', 'good', '--version', '2.0.0')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('already'),
    })
  })

  test('ends failed with the node’s reason, and an image that went back three times is offered no more', async () => {
    const node = await boardCalled('back')
    for (let i = 0; i < 3; i++) {
      const waiting = house.cli('update', 'back', '--version', '2.0.0', '--wait', '--json')
      const { id } = (await node.command()).body
      await ack(node, id, 'failed', { error: { code: 'rolled_back', message: 'the old image runs' } })
      const { code, json } = await waiting
      expect([code, json().error.code]).toEqual([3, 'rolled_back'])
    }
    const fourth = await house.cli('update', 'back', '--version', '2.0.0')
    expect(fourth).toMatchObject({ code: 3, stderr: expect.stringContaining('3 times') })
    expect(await house.cli('update', 'back', '--version', '2.0.0', '--force', '--json')).toMatchObject({ code: 0 })
    expect((await node.command()).body.params.force).toBe(true)
  })

  test('is refused where it makes no sense, with what is there', async () => {
    await boardCalled('picky')
    const run = (...args: string[]) => house.cli('update', ...args)
    expect(await run('nobody', '--version', '2.0.0')).toMatchObject({ code: 6 })
    expect(await run('picky', '--version', '7.0.0')).toMatchObject({ code: 6, stderr: expect.stringContaining('there is 2.0.0') })
    await imageFile(join(data.dir, 'esp.bin'), 'esp32dev', '8.0.0')
    await house.cli('firmware', 'add', join(data.dir, 'esp.bin'), '--version', '8.0.0', '--board', 'esp32dev')
    expect(await run('picky', '--version', '8.0.0')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('is a test-board'),
    })
    expect(await run('picky', '--version', '2.0.0')).toMatchObject({ code: 0 })
    expect(await run('picky', '--version', '2.0.0')).toMatchObject({ code: 3, stderr: expect.stringContaining('already') })
    const removing = await house.cli('firmware', 'remove', '--version', '2.0.0', '--board', board)
    expect(removing).toMatchObject({ code: 3, stderr: expect.stringContaining('picky is being updated') })
  })

  test('needs an HTTPS listener, and says how to get one', async () => {
    const other = await temporaryData()
    onTestFinished(other.remove)
    const plain = await up(other.dir)
    onTestFinished(async () => void (await plain.stop()))
    await plain.cli('firmware', 'add', join(data.dir, 'two.bin'), '--version', '2.0.0', '--board', board)
    await boardCalled('01', plain)
    expect(await plain.cli('update', '01', '--version', '2.0.0')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('up --lan'),
    })
    const findings = (await plain.cli('doctor', '--json')).json().findings
    expect(findings).toContainEqual(expect.objectContaining({ code: 'firmware_unreachable' }))
  })

  test('shows its token nowhere but to the node', async () => {
    const node = await boardCalled('secret')
    const events = await house.api('/api/nodes/secret/update', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ version: '2.0.0' }),
    })
    const { url } = (await node.command()).body.params
    const token = new URL(url).searchParams.get('t')!
    await fetchImage(`${url}&more`, ca)
    const seen = [events.body]
    for (const path of [
      '/api/commands',
      `/api/commands/${events.body.id}`,
      '/api/audit',
      '/api/messages',
      '/api/nodes/secret',
      '/api/settings',
    ])
      seen.push((await house.api(path)).body)
    seen.push(await house.cli('commands', '--json'), house.stderr(), await replayed(events.body.id))
    expect(JSON.stringify(seen)).toContain('t=…')
    expect(JSON.stringify(seen)).not.toContain(token)
    expect((await house.api('/api/audit')).body.items.map((e: { action: string }) => e.action)).toContain('node.update')
  })
})

test('a virtual node has nothing to flash, and says so', async () => {
  const other = await temporaryData()
  onTestFinished(other.remove)
  const demo = await up(other.dir, '--sim', '1', ...lan)
  onTestFinished(async () => void (await demo.stop()))
  const { board: virtual } = await until('sim-1', async () => {
    const { body } = await demo.api('/api/nodes/sim-1')
    return body.board ? body : undefined
  })
  await imageFile(join(other.dir, 'v.bin'), virtual, '9.9.9')
  expect(await demo.cli('firmware', 'add', join(other.dir, 'v.bin'), '--version', '9.9.9', '--board', virtual)).toMatchObject({
    code: 0,
  })
  const { code, json } = await cli(['update', 'sim-1', '--version', '9.9.9', '--wait', '--json'], { data: other.dir })
  expect(code).toBe(3)
  expect(json()).toMatchObject({ state: 'rejected', error: { code: 'hardware' } })
})
