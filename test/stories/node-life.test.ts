import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { openDialogue } from '../../src/cli/serial/dialogue.ts'
import { openSerialPort } from '../../src/cli/serial/port.ts'
import { freePort } from '../broker/mosquitto.ts'
import { cli, until } from '../espalier.ts'
import { buildHostNode, type HostNode, hostToolsThere, nodeHouse } from '../firmware/host-node.ts'
import { type LanHouse, lanHouse } from '../lan/house.ts'
import { searcher } from '../secrets.ts'

/** The whole life of one board, in one house with TLS: unpacked and put on a cable, at work, without power, sent from one password to the next
 *  and to some that are none, wiped, and put to work again. At its end the ledger says what became of every reading. */
const id = '07'
const wifiPassword = 'marker-wifi-brook-and-heron'
const wrongPassword = 'marker-of-no-identity'
const pace = 10
const dayMs = 86_400_000

/** The board, over all its power cuts. Its clock is a day behind and ten times as fast, over its ends too: a trial of a minute takes six
 *  seconds, and no reading is dated into the future. */
async function board() {
  const files = await nodeHouse()
  const began = Date.now()
  const port = files.file('tty')
  const start = (): Promise<HostNode> => {
    const nowS = (began - dayMs + pace * (Date.now() - began)) / 1_000
    return files.start(
      ...['--state', files.file('board'), '--serial', port, '--interval', '3'],
      ...['--clock-start', nowS.toFixed(3), '--clock-rate', String(pace)],
      ...['--exec-log', files.file('executed'), '--reading-log', files.file('taken')],
    )
  }
  const passwords = async (): Promise<string[]> => {
    const flash = files.file('board/flash')
    const names = (await readdir(flash)).filter(name => /^creds\.[ab]$/.test(name))
    const copies = await Promise.all(names.map(name => readFile(join(flash, name))))
    return copies
      .sort((a, b) => b.readUInt32LE(4) - a.readUInt32LE(4))
      .map(copy => JSON.parse(copy.subarray(16).toString()).broker.password)
  }
  return { files, port, start, passwords }
}

/** What it says at the cable of itself. */
async function atTheCable<T>(port: string, talk: (dialogue: ReturnType<typeof openDialogue>) => Promise<T>): Promise<T> {
  const dialogue = openDialogue(await openSerialPort(port), port, new AbortController().signal)
  return talk(dialogue).finally(() => dialogue.close())
}

async function wipe(port: string): Promise<void> {
  const serial = await openSerialPort(port)
  let heard = ''
  serial.onText(text => (heard += text))
  await serial.write('{"factory_reset":true}\n')
  await until('it forgot all', async () => (heard.includes('{"ok":true}') ? true : undefined))
  await serial.close()
}

const shown = (house: LanHouse, what: string, fits: (node: any) => boolean) =>
  until(`${id} ${what}`, async () => {
    const { status, body } = await house.api(`/api/nodes/${id}`)
    return status === 200 && fits(body) ? body : undefined
  })
const online = (house: LanHouse) => shown(house, 'online', node => node.state === 'online')
const moreStored = async (house: LanHouse): Promise<void> => {
  const { stored } = (await house.api(`/api/nodes/${id}`)).body
  await shown(house, 'measures', node => node.stored > stored + 3)
}

async function provision(house: LanHouse, port: string, ...more: string[]): Promise<void> {
  const args = ['node', 'provision', id, '--port', port, '--wifi-ssid', 'garden', '--json', ...more]
  const done = await cli(args, { data: house.data, env: { ESPALIER_WIFI_PASSWORD: wifiPassword } })
  expect(done).toMatchObject({ code: 0 })
  expect(done.json()).toMatchObject({ id, state: 'running', board: 'host' })
}

describe.skipIf(!hostToolsThere)('the life of a node (needs g++, cmake, libssl-dev)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  test('from the cable to the cable: nothing is lost that it does not say, and nothing stays behind', {
    timeout: 240_000,
  }, async () => {
    const [house, { files, port, start, passwords }] = await Promise.all([lanHouse(), board()])
    const send = (...words: string[]) => house.cli('send', id, ...words, '--json', '--timeout', '100')
    const configure = (params: object) => send('configure', '--params', JSON.stringify(params))

    // Unpacked: it waits for somebody to say who it is.
    const first = await start()
    expect(await atTheCable(port, board => board.status(15_000))).toMatchObject({ id: null, state: 'waiting' })
    await provision(house, port)
    const born = await shown(house, 'measures', node => node.state === 'online' && node.last.temperature !== undefined)
    expect(born).toMatchObject({ board: 'host', virtual: false, status: { online: true, keep: 'receipt', dropped: 0 } })
    const [given] = await passwords()

    // At work.
    const relay = await send('set_output', 'name=relay', 'value=1')
    expect([relay.code, relay.json()]).toMatchObject([0, { state: 'done', result: { name: 'relay', value: 1 } }])

    // The power goes without a goodbye: its broker says so. It comes back, and is another boot.
    await first.stop('SIGKILL')
    const gone = await shown(house, 'offline', node => node.state === 'offline')
    expect(gone.status).toEqual({ node_id: `node_${id}`, online: false, boot: born.status.boot })
    const second = await start()
    const back = await online(house)
    expect(back.status.boot).toBe(second.ready.boot)
    await moreStored(house)

    // It restarts when it is told to, and says that it did.
    expect((await send('reboot')).json()).toMatchObject({ state: 'done' })
    expect(second.boots.map(boot => boot.pid)).toEqual([second.ready.pid, second.ready.pid])
    await moreStored(house)

    // A new password, tried before the old one is gone.
    const rotated = await house.cli('node', 'rotate', id, '--push', '--json')
    expect([rotated.code, rotated.json()]).toMatchObject([0, { state: 'done' }])
    const [fresh, kept] = await passwords()
    expect(fresh).not.toBe(given)
    expect(kept).toBe(fresh)
    const secrets = searcher({ wifiPassword, given: given!, fresh: fresh!, wrongPassword })
    const inFlash = (await secrets.tree(files.dir)).map(({ secret, where }) => `${secret} ${where}`)
    expect(inFlash.sort()).toEqual([
      'fresh board/flash/creds.a',
      'fresh board/flash/creds.b',
      'wifiPassword board/flash/creds.a',
      'wifiPassword board/flash/creds.b',
    ])
    await moreStored(house)

    // New settings that lead nowhere: it is back with what it had, and says what was wrong with them.
    const wrong = await configure({ rev: 8, network: { broker: { user: id, password: wrongPassword } } })
    expect([wrong.code, wrong.json().error]).toMatchObject([3, { message: expect.stringContaining('refused the credentials') }])
    await online(house)
    const nowhere = `mqtts://127.0.0.1:${await freePort()}`
    const away = await configure({ rev: 8, network: { broker: { url: nowhere } } })
    expect([away.code, away.json().error]).toMatchObject([3, { message: expect.stringContaining('not reached') }])
    const same = await online(house)
    expect(same.status.config_rev).toBe(back.status.config_rev + 1)
    expect((await passwords())[0]).toBe(fresh)
    await moreStored(house)

    // Wiped at the cable: it waits as on its first day, and whoever finds it finds no secret.
    await wipe(port)
    await until('it waits', async () => (second.boots.length >= 3 ? true : undefined))
    expect(await atTheCable(port, board => board.status(15_000))).toMatchObject({ id: null, state: 'waiting' })
    await shown(house, 'offline', node => node.state === 'offline')
    expect(await secrets.tree(files.dir)).toEqual([])
    expect(secrets.bytes('what it said', first.err() + second.err() + house.stderr())).toEqual([])

    // And to work again.
    await provision(house, port, '--yes')
    expect((await passwords())[0]).not.toBe(fresh)
    await moreStored(house)
    expect(await second.stop()).toBe(0)

    const said = (await files.lines('executed')).map(line => line.command)
    expect(said).toEqual(['set_output', 'reboot', 'configure', 'configure', 'configure'])
    const account = await until('an account without a gap', async () => {
      const line = (await house.api('/api/ledger')).body.items.find(({ node }: { node: string }) => node === id)
      return line.missing === 0 ? line : undefined
    })
    expect(account).toMatchObject({ missing: 0, lost: 0, rejected: 0, dropped: 0 })
    // What it took and nobody has: the seconds before its power went and before it was wiped, when it had them in RAM alone.
    const stored = (await cli(['export', '--format', 'jsonl'], { data: house.data })).lines<{ boot: number; seq: number }>()
    const there = new Set(stored.map(({ boot, seq }) => `${boot}/${seq}`))
    const taken: { boot: number; seq: number }[] = await files.lines('taken')
    const missing = taken.filter(({ boot, seq }) => !there.has(`${boot}/${seq}`))
    expect([there.size, account.stored]).toEqual([stored.length, stored.length])
    expect(there.size + missing.length).toBe(taken.length)
    const endedHard = [first.ready.boot, second.boots.at(1)!.boot]
    expect(missing.filter(({ boot }) => !endedHard.includes(boot))).toEqual([])
    expect(missing.length).toBeLessThanOrEqual(10)
  })
})
