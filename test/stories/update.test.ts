import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { markerBytes } from '../../src/contract/image.ts'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { buildHostNode, type HostNode, hostToolsThere, nodeHouse } from '../firmware/host-node.ts'

/** A real node over real TLS: added, signed, fetched, started, confirmed; and what becomes of an image that is no good. The images are
 *  builds of the node itself. */
const next = '9.1.0'
/** Flash writes at which power is cut: in the download, at its end (455 sectors of 4 KiB and their marks), in the switch, in the trial. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const cuts = scale >= 10 ? Array.from({ length: 100 }, (_, i) => 25 + 10 * i) : [40, 470, 905]
const tears = ['old', 'half:ff', 'half:garbage', 'new'] as const
let node: string
let better: string
let build: Awaited<ReturnType<typeof temporaryData>> | undefined

/** A house with HTTPS, and a node that has its key. */
async function houseWith(id: string, ...flags: string[]) {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  const house = await up(dir, '--lan', '--mqtts-port', '0', '--https-port', '0')
  onTestFinished(() => house.kill())
  const files = await nodeHouse()
  const password = (await house.cli('node', 'add', id, '--json')).json().password
  const { public_key } = (await house.api('/api/firmware/key')).body
  await writeFile(files.file('key.der'), Buffer.from(public_key, 'base64'))
  const start = async (...more: string[]): Promise<HostNode> =>
    files.node(
      id,
      `mqtts://127.0.0.1:${house.run.mqtts!.port}`,
      ...['--ca', join(dir, 'ca/ca.pem'), '--password-file', await files.write('password', password)],
      ...['--pubkey', files.file('key.der'), '--interval', '0.5', ...flags, ...more],
    )
  const add = (file: string, version: string) =>
    house.cli('firmware', 'add', file, '--version', version, '--board', 'host', '--json')
  return { house, files, start, add }
}

const runs = (house: Up, id: string, version: string, confirmed = true) =>
  until(
    `${id} runs ${version}`,
    async () => {
      const { body } = await house.api(`/api/nodes/${id}`)
      const firmware = body.status?.firmware
      return body.status?.online && firmware?.version === version && firmware.confirmed === confirmed ? body : undefined
    },
    60_000,
  )

describe.skipIf(!hostToolsThere)('an update of a real node (needs g++, cmake, libssl-dev)', () => {
  beforeAll(async () => {
    node = await buildHostNode()
    build = await temporaryData()
    better = await buildHostNode(join(build.dir, 'better'), next)
  }, 300_000)
  afterAll(() => build?.remove())

  test('a good image is fetched, started, confirmed, and only then done; the way back needs force and a build that allows it', async () => {
    const { house, start, add } = await houseWith('n1')
    expect(await add(better, next)).toMatchObject({ code: 0 })
    const first = await start()
    const before = await runs(house, 'n1', first.ready.version)
    const { code, json } = await house.cli('update', 'n1', '--version', next, '--wait', '--json')
    expect([code, json().state, json().error]).toEqual([0, 'done', null])
    const after = await runs(house, 'n1', next)
    expect(after.status.firmware.slot).not.toBe(before.status.firmware.slot)
    expect(after.status.boot).not.toBe(before.status.boot)
    expect(first.boots.at(-1)).toMatchObject({ pid: first.ready.pid, version: next })

    expect(await add(node, first.ready.version)).toMatchObject({ code: 0 })
    const back = await house.cli('update', 'n1', '--version', first.ready.version, '--wait', '--json')
    expect([back.code, back.json().error.code]).toEqual([3, 'downgrade'])
    await runs(house, 'n1', next)
    const ledger = (await house.api('/api/ledger')).body.items.find((line: { node: string }) => line.node === 'n1')
    expect([ledger.lost, ledger.missing]).toEqual([0, 0])
  })

  test(`power cut at ${cuts.length} flash writes: a valid image each time, and an end that is true`, {
    timeout: 150_000 * cuts.length,
  }, async () => {
    const { house, files, add, start } = await houseWith('n4')
    expect(await add(better, next)).toMatchObject({ code: 0 })
    const { version } = (await start()).ready
    let reached = 0
    for (const [index, cut] of cuts.entries()) {
      const id = `cut${cut}`
      await files.write('password', (await house.cli('node', 'add', id, '--json')).json().password)
      const on = (...more: string[]) =>
        files.node(
          id,
          `mqtts://127.0.0.1:${house.run.mqtts!.port}`,
          ...['--ca', join(house.data, 'ca/ca.pem'), '--password-file', files.file('password')],
          ...['--pubkey', files.file('key.der'), '--interval', '0.5', ...more],
        )
      const torn = await on('--fault', `flash-cut=${cut}:${tears[index % tears.length]}`)
      await runs(house, id, version)
      const { id: command } = (await house.cli('update', id, '--version', next, '--json')).json()
      const end = () =>
        until(
          `the update cut at ${cut} ends`,
          async () => {
            const { body } = await house.api(`/api/commands/${command}`)
            return ['done', 'failed', 'rejected'].includes(body.state) ? body : undefined
          },
          60_000,
        )
      // Beyond its last write it is not cut at all.
      if ((await Promise.race([torn.gone, end().then(() => null)])) === 86) reached++
      await torn.stop('SIGKILL')
      const whole = await on()
      expect([version, next], `cut at ${cut}`).toContain(whole.ready.version)
      const { state, error } = await end()
      // A cut in the trial goes back, which is no proof of a bad image; one while the order was written interrupts it.
      expect(['done', 'rolled_back', 'interrupted'], `cut at ${cut}`).toContain(error?.code ?? state)
      await runs(house, id, state === 'done' ? next : version)
      await whole.stop()
    }
    expect(reached).toBeGreaterThan(0)
  })

  test('an image that does not start is gone back from: rolled_back, and the old one runs', async () => {
    const { house, files, start, add } = await houseWith('n2')
    // A program that ends at once, as far from the broker as can be.
    const dead = Buffer.concat([await readFile('/bin/false'), markerBytes({ board: 'host', version: '9.2.0' })])
    await writeFile(files.file('dead.img'), dead)
    expect(await add(files.file('dead.img'), '9.2.0')).toMatchObject({ code: 0 })
    const first = await start()
    await runs(house, 'n2', first.ready.version)
    const waiting = house.cli('update', 'n2', '--version', '9.2.0', '--wait', '--json')
    // It has no supervisor but this test.
    await first.gone
    await start()
    const { code, json } = await waiting
    expect([code, json().error.code]).toEqual([3, 'rolled_back'])
    await runs(house, 'n2', first.ready.version)
  })

  test('an image signed with another key is refused, and nothing is fetched', async () => {
    const { house, start } = await houseWith('n3')
    const first = await start()
    await runs(house, 'n3', first.ready.version)
    const other = await temporaryData()
    onTestFinished(other.remove)
    const elsewhere = await up(other.dir)
    onTestFinished(() => elsewhere.kill())
    await elsewhere.cli('firmware', 'add', better, '--version', next, '--board', 'host')
    const key = join(other.dir, 'keys/firmware.pem')
    expect((await readFile(key, 'utf8')).startsWith('-----BEGIN PRIVATE KEY')).toBe(true)
    const added = await house.cli('firmware', 'add', better, '--version', next, '--board', 'host', '--key', key)
    expect(added).toMatchObject({ code: 0, stderr: expect.stringContaining('another key') })
    const { code, json } = await house.cli('update', 'n3', '--version', next, '--wait', '--json')
    expect([code, json().error.code]).toEqual([3, 'bad_signature'])
    await runs(house, 'n3', first.ready.version)
  })
})
