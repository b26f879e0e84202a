import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { openSerialPort } from '../../src/cli/serial/port.ts'
import { markerBytes } from '../../src/contract/image.ts'
import { hasMosquitto } from '../broker/mosquitto.ts'
import { endSite, managerPassword, nodePassword, startSite } from '../broker/site.ts'
import { cleanEnv, mainFile, nodeBinary, until } from '../espalier.ts'
import { buildHostNode, hostToolsThere } from '../firmware/host-node.ts'
import { strangers } from '../lan/house.ts'
import { keySecret, searcher } from '../secrets.ts'

/** A session in which everything that is secret is used, and much goes wrong; then all of its traces are searched: what ran, what was said,
 *  what a crash left, every file. Secrets stand in the stores that are made for them, and nowhere else. */
const wifiPassword = 'marker-wifi-otter-and-alder'
const wrongPassword = 'marker-wrong-password-of-a-push'
const malformed = 'marker-in-a-document-that-is-none'
const strayToken = 'marker-token-that-opens-nothing'

/** Where what may stand: paths below the session's folder. */
const stores: readonly (readonly [RegExp, RegExp])[] = [
  [/^given\//, /./],
  [/^house\/token$/, /^token/],
  [/^house\/manager-secret$/, /^managerSecret/],
  [/^house\/ca\/ca-key\.pem$/, /^caKey/],
  [/^house\/ca\/server-key\.pem$/, /^serverKey/],
  [/^house\/keys\/firmware\.pem$/, /^signingKey/],
  [/^reader\/token$/, /^readerToken/],
  [/^(reader\/sim\/password|reader\/sim\/sim-1\/flash\/creds\.[ab])$/, /^managerPassword/],
  [/^board\/flash\/creds\.[ab]$/, /^(wifiPassword|freshPassword)/],
  [/^pump\/flash\/creds\.[ab]$/, /^pumpPassword/],
  [/^valve\/flash\/creds\.[ab]$/, /^clientKey/],
  [/^lost\/flash\/creds\.[ab]$/, /^pumpPassword/],
]

interface Found {
  readonly secret: string
  readonly where: string
}
const isStored = ({ secret, where }: Found): boolean =>
  stores.some(([place, allowed]) => place.test(where) && allowed.test(secret))

/** One folder for all of it. What every program says goes into files there; crashes may leave what they like. */
async function session() {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-secrets-'))
  for (const name of ['given', 'said', 'tmp', 'crash']) await mkdir(join(dir, name))
  const children: ChildProcess[] = []
  onTestFinished(async () => {
    for (const child of children) child.kill('SIGKILL')
    await rm(dir, { recursive: true, force: true, maxRetries: 5 })
  })
  const file = (name: string): string => join(dir, name)
  let programs = 0
  const start = (program: string, args: readonly string[], env: Record<string, string> = {}) => {
    const said = file(`said/${++programs}`)
    const out = openSync(said, 'a')
    // A core file is called as the one before it.
    const crash = file(`crash/${programs}`)
    mkdirSync(crash)
    const limited = ['-c', 'ulimit -c unlimited; exec "$@"', 'sh', program, ...args]
    const child = spawn('sh', limited, {
      env: cleanEnv({ TMPDIR: file('tmp'), ...env }),
      cwd: crash,
      stdio: ['ignore', out, out],
    })
    closeSync(out)
    children.push(child)
    const gone = new Promise<number | null>(done => child.once('exit', code => done(code)))
    return { pid: child.pid!, gone, said: () => readFileSync(said, 'utf8'), child }
  }
  type Started = ReturnType<typeof start>
  const saying = (program: Started, text: string) =>
    until(`"${text}"`, async () => {
      if (program.child.exitCode !== null) throw new Error(`it ended: ${program.said()}`)
      return program.said().includes(text) ? program.said() : undefined
    })
  return {
    dir,
    file,
    start,
    saying,
    async give(name: string, text: string): Promise<string> {
      await writeFile(file(`given/${name}`), text, { mode: 0o600 })
      return file(`given/${name}`)
    },
    async node(id: string, ...flags: string[]): Promise<Started> {
      const node = start(await buildHostNode(), ['--state', file(id), '--interval', '1', ...flags])
      await saying(node, '"ready"')
      return node
    },
    async up(data: string, ...flags: string[]) {
      const all = ['up', '--json', '--data', file(data), '--sim', '0', '--mqtt-port', '0', '--http-port', '0', ...flags]
      const program = start(nodeBinary, [mainFile, ...all, '--log-level', 'trace'], {
        ESPALIER_NODE_BINARY: await buildHostNode(),
      })
      const line = (await saying(program, '"event":"ready"')).split('\n').find(text => text.includes('"event":"ready"'))!
      return { ...program, run: JSON.parse(line) }
    },
    /** The command in the house, to its end. */
    async cli(args: readonly string[], env: Record<string, string> = {}) {
      const program = start(nodeBinary, [mainFile, ...args, '--data', file('house')], env)
      return { code: await program.gone, said: program.said() }
    },
  }
}

/** Everything a process shows of itself to whoever may look. */
const shownBy = (pid: number): Buffer =>
  Buffer.concat(
    ['cmdline', 'environ', 'comm', 'status'].map(name => {
      try {
        return readFileSync(`/proc/${pid}/${name}`)
      } catch {
        return Buffer.alloc(0) // Not even we may.
      }
    }),
  )

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)

async function passwordIn(flash: string): Promise<string> {
  const names = (await readdir(flash)).filter(name => /^creds\.[ab]$/.test(name))
  const copies = await Promise.all(names.map(name => readFile(join(flash, name))))
  const newest = copies.sort((a, b) => b.readUInt32LE(4) - a.readUInt32LE(4))[0]!
  return JSON.parse(newest.subarray(16).toString()).broker.password
}

const malformedDocuments = [
  `{"provision":{"id":"01","broker":{"password":"${malformed}","url":"http://x"}}}`,
  `{"provision":{"id":"01","wifi":{"ssid":"g","password":"${malformed}","${malformed}":1}}}`,
  `{"provision":{"id":"01","broker":{"url":"mqtt://h","password":["${malformed}"]}}}`,
  `{"provision":"${malformed}"`,
  `{"provision":{"id":"${malformed} is no id"}}`,
  `{${malformed}`,
]

describe.skipIf(!hostToolsThere || !hasMosquitto)('secrets (needs g++, cmake, libssl-dev, mosquitto)', () => {
  beforeAll(() => buildHostNode(), 240_000)

  test('of a whole session stand in their stores, and nowhere else', { timeout: 300_000 }, async () => {
    const here = await session()
    const { file, give, cli } = here
    const site = await startSite(['pump'])
    onTestFinished(() => endSite(site))

    // A house with a board on a cable; its clock is faster, so that a trial of a minute takes six seconds.
    const house = await here.up('house', '--lan', '--mqtts-port', '0', '--https-port', '0')
    const token = (await readFile(file('house/token'), 'utf8')).trim()
    const api = async (path: string, body?: object) => {
      const answer = await fetch(`http://${house.run.http.host}:${house.run.http.port}${path}`, {
        ...(body && { method: 'POST', body: JSON.stringify(body) }),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      })
      return (await answer.json()) as any
    }
    const port = file('tty')
    const yesterday = String(Math.floor(Date.now() / 1_000) - 86_400)
    const board = await here.node(
      'board',
      '--serial',
      port,
      '--clock-start',
      yesterday,
      '--clock-rate',
      '10',
      '--exec-log',
      file('executed'),
    )
    const serial = await openSerialPort(port)
    let heard = ''
    serial.onText(text => (heard += text))
    const answers = (): number => heard.split('"ok":').length - 1
    for (const document of malformedDocuments) {
      const before = answers()
      await serial.write(`\n${document}\n`)
      await until(`an answer, not ${heard}`, async () => (answers() > before ? true : undefined))
    }
    await serial.close()
    const wifi = { ESPALIER_WIFI_PASSWORD_FILE: await give('wifi', `${wifiPassword}\n`) }
    const provision = ['node', 'provision', '01', '--wifi-ssid', 'garden', '--port']
    expect((await cli([...provision, '/dev/null'], wifi)).code).toBe(2)
    expect(await cli([...provision, port], wifi)).toMatchObject({ code: 0 })
    const givenPassword = await passwordIn(file('board/flash'))

    // A new password; one that is none; an image that nobody signed whom the board knows.
    expect(await cli(['node', 'rotate', '01', '--push'])).toMatchObject({ code: 0 })
    const freshPassword = await passwordIn(file('board/flash'))
    const { id } = await api('/api/nodes/01/commands', {
      command: 'configure',
      params: { rev: 9, network: { broker: { password: wrongPassword } } },
    })
    await until(
      'it gave the wrong one up',
      async () => ((await api(`/api/commands/${id}`)).state === 'failed' ? true : undefined),
      100_000,
    )
    const image = Buffer.concat([await readFile('/bin/false'), markerBytes({ board: 'host', version: '9.9.9' })])
    await writeFile(file('image'), image)
    const add = ['firmware', 'add', file('image'), '--version', '9.9.9', '--board', 'host']
    const otherKey = execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], {
      encoding: 'utf8',
    })
    expect(await cli([...add, '--key', await give('signing.pem', otherKey)])).toMatchObject({ code: 0 })
    expect(await cli(['update', '01', '--version', '9.9.9', '--wait'])).toMatchObject({
      code: 3,
      said: expect.stringContaining('bad_signature'),
    })
    expect((await cli(['nodes'], { ESPALIER_TOKEN: strayToken })).code).toBe(5)
    expect((await cli(['commands', '--json'])).code).toBe(0)
    expect((await cli(['audit', '--json'])).code).toBe(0)

    // A broker that is there already: a node with a password, one with a key, one that trusts somebody else; a reader with nodes of its own.
    const url = `mqtts://localhost:${site.tls}`
    const pumpFile = await give('pump', `${nodePassword('pump')}\n`)
    const own = await site.certificate('valve')
    const clientKey = await readFile(own.key, 'utf8')
    const pump = await here.node('pump', '--id', 'pump', '--broker', url, '--ca', site.ca, '--password-file', pumpFile)
    const valve = await here.node(
      'valve',
      ...['--id', 'valve', '--broker', `mqtts://localhost:${site.certs}`, '--ca', site.ca],
      ...['--cert', own.cert, '--key', await give('valve-key.pem', clientKey)],
    )
    const { caFile } = await strangers('lost')
    const lost = await here.node('lost', '--id', 'lost', '--broker', url, '--ca', caFile, '--password-file', pumpFile)
    await here.saying(lost, 'not trusted')
    const reading = ['--broker', `mqtt://127.0.0.1:${site.plain}`, '--broker-user', '_manager']
    const reader = await here.up(
      'reader',
      ...reading,
      '--broker-password-file',
      await give('reader', `${managerPassword}\n`),
      '--sim-real',
      '1',
    )
    await until('real nodes', async () => (childrenOf(reader.pid).length > 0 ? true : undefined))
    await until('settings of its node', async () =>
      (await passwordIn(file('reader/sim/sim-1/flash')).catch(() => '')) === managerPassword ? true : undefined,
    )

    const secrets = searcher({
      ...{ wifiPassword, givenPassword, freshPassword, wrongPassword, malformed, token, strayToken },
      managerSecret: (await readFile(file('house/manager-secret'), 'utf8')).trim(),
      readerToken: (await readFile(file('reader/token'), 'utf8')).trim(),
      managerPassword,
      pumpPassword: nodePassword('pump'),
      clientKey: keySecret(clientKey),
      signingKey: keySecret(await readFile(file('house/keys/firmware.pem'), 'utf8')),
      otherKey: keySecret(otherKey),
      caKey: keySecret(await readFile(file('house/ca/ca-key.pem'), 'utf8')),
      serverKey: keySecret(await readFile(file('house/ca/server-key.pem'), 'utf8')),
    })

    // While they run.
    const nodes = [board, pump, valve, lost].map(({ pid }) => pid).concat(childrenOf(reader.pid))
    for (const pid of [...nodes, house.pid, reader.pid]) {
      expect(shownBy(pid).length).toBeGreaterThan(0)
      expect(secrets.bytes(`process ${pid}`, shownBy(pid))).toEqual([])
    }
    expect(secrets.bytes('the cable', heard)).toEqual([])
    expect(secrets.bytes('the image', await readFile(await buildHostNode()))).toEqual([])

    // They crash, and may leave all of their memory; one that has nothing to hide does.
    const careless = here.start('sh', ['-c', 'kill -ABRT $$'], { CARELESS: 'marker-of-one-that-hides-nothing' })
    await careless.gone
    for (const program of [board, pump, valve, lost, house, reader]) {
      process.kill(program.pid, 'SIGABRT')
      expect(await program.gone).toBe(null)
    }
    const cores = (await readdir(file('crash'), { recursive: true })).filter(name => /core/.test(name))
    if (readFileSync('/proc/sys/kernel/core_pattern', 'utf8').trim() === 'core') {
      expect(await searcher({ careless: 'marker-of-one-that-hides-nothing' }).tree(file('crash'))).toHaveLength(1)
      // Its own, and those of house and reader: a node leaves none.
      expect(cores).toHaveLength(3)
    }

    const found = await secrets.tree(here.dir)
    expect(found.filter(leak => !isStored(leak))).toEqual([])
    const stored = new Set(found.map(({ secret }) => secret))
    expect(['givenPassword', 'wrongPassword', 'malformed', 'strayToken'].filter(secret => stored.has(secret))).toEqual([])
    expect(stored.size).toBe(12)
  })
})

describe('the search', () => {
  const secret = 'marker "with" 8 strange € letters'
  const of = searcher({ secret })
  const bytes = Buffer.from(secret)
  test.each([
    ['text', `x${secret}y`],
    ['JSON in JSON', JSON.stringify({ a: secret })],
    ['a URL', `http://h/?q=${encodeURIComponent(secret)}`],
    ['UTF-16', Buffer.from(`x${secret}`, 'utf16le')],
    ['hex', bytes.toString('hex')],
    ['HEX', bytes.toString('hex').toUpperCase()],
    ['base64', Buffer.from(`a${secret}b`).toString('base64')],
    ['base64 moved by one', Buffer.from(`ab${secret}`).toString('base64')],
    ['base64url', Buffer.from(`abc${secret}`).toString('base64url')],
    ['gzip', gzipSync(`x${secret}`)],
  ])('finds it as %s, and nothing in other bytes', (_, content) => {
    expect(of.bytes('here', content)).toHaveLength(1)
    expect(of.bytes('here', Buffer.from('marker of another'))).toEqual([])
  })

  test('finds a key in its PEM, and in JSON, by its number, and not in its public half', () => {
    const pem = execFileSync('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'], {
      encoding: 'utf8',
    })
    const key = searcher({ key: keySecret(pem) })
    expect(key.bytes('a', pem)).toHaveLength(1)
    expect(key.bytes('b', JSON.stringify({ key: pem }))).toHaveLength(1)
    expect(key.bytes('c', execFileSync('openssl', ['pkey', '-pubout'], { input: pem }))).toEqual([])
  })

  test('finds what is planted in a tree: in a file, in its name, in a store that is not its own', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'espalier-planted-'))
    onTestFinished(() => rm(dir, { recursive: true, force: true }))
    await mkdir(join(dir, 'pump/flash'), { recursive: true })
    await writeFile(join(dir, 'pump/flash/creds.a'), 'the-password-of-the-pump the-password-of-the-wifi')
    await writeFile(join(dir, 'pump/log-of-the-password-of-the-pump'), '')
    await writeFile(join(dir, 'pump/ring'), Buffer.from('xx the-password-of-the-pump').toString('base64'))
    const all = await searcher({ pumpPassword: 'the-password-of-the-pump', wifiPassword: 'the-password-of-the-wifi' }).tree(dir)
    const leaks = all.filter(leak => !isStored(leak)).map(({ secret, where }) => `${secret} in ${where}`)
    expect(leaks.sort()).toEqual([
      'pumpPassword in pump/ring',
      'pumpPassword in the name pump/log-of-the-password-of-the-pump',
      'wifiPassword in pump/flash/creds.a',
    ])
  })

  test('refuses a secret that chance could find', () => {
    expect(() => searcher({ secret: 'short' })).toThrow('too short')
  })
})
