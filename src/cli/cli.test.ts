import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cli, commandView, events, type FakeServer, fakeServer, json, nodeView, page, problem } from './suite.ts'

let server: FakeServer
let data: string
let env: Record<string, string>

beforeEach(async () => {
  server = await fakeServer()
  data = await mkdtemp(join(tmpdir(), 'espalier-cli-'))
  env = { ESPALIER_DATA: data, ESPALIER_URL: server.url }
})
afterEach(async () => {
  await server.close()
  await rm(data, { recursive: true })
})

describe('the command line', () => {
  test('without words shows what there is', async () => {
    const { exit, out } = await cli([])
    expect(exit).toBe(0)
    for (const command of [
      'up',
      'nodes',
      'node',
      'watch',
      'send',
      'commands',
      'command',
      'rejects',
      'broker',
      'export',
      'ledger',
      'simulate',
      'pub',
      'sub',
      'ping',
    ])
      expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'))
    expect(out).toContain('8 data directory in use')
  })

  test.each([
    'up',
    'nodes',
    'node show',
    'watch',
    'send',
    'commands',
    'command show',
    'command cancel',
    'rejects',
    'broker',
    'export',
    'ledger',
    'simulate',
    'pub',
    'sub',
    'ping',
  ])('%s --help has examples and the common options', async command => {
    const { exit, out } = await cli([...command.split(' '), '--help'])
    expect(exit).toBe(0)
    expect(out).toContain(`$ espalier ${command}`)
    expect(out).toContain('--data <DIR>')
  })

  test('tells its version', async () => {
    expect(await cli(['--version'])).toEqual({ exit: 0, out: '9.9.9\n', err: '' })
  })

  test.each([
    [['bogus']],
    [['nodes', '--bogus']],
    [['send', 'sim-1']],
    [['watch', '--count']],
    [['send', 'sim-1', 'ping', '--timeout', 'soon']],
  ])('bad usage exits 2 and says what to try: %j', async words => {
    const { exit, out, err } = await cli(words, { env })
    expect(exit).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(/^error (usage|bad_input): .+/)
    expect(server.seen).toEqual([])
  })

  test.each([[['node']], [['command']], [['help', 'bogus']]])(
    'shows the help on stderr when half of a command is missing: %j',
    async words => {
      const { exit, out, err } = await cli(words)
      expect({ exit, out }).toEqual({ exit: 2, out: '' })
      expect(err).toMatch(/^Usage: espalier(.|\n)+error usage: no such command, or none was given/)
    },
  )

  test('takes common options before and after the command, and a flag over the environment', async () => {
    server.on('GET /api/nodes', page([nodeView('01')]))
    const nobody = { ...env, ESPALIER_URL: 'http://127.0.0.1:1' }
    for (const words of [
      ['--url', server.url, '--json', 'nodes'],
      ['nodes', '--json', '--url', server.url],
    ]) {
      const { exit, out } = await cli(words, { env: nobody })
      expect(exit).toBe(0)
      expect(JSON.parse(out)).toHaveLength(1)
    }
  })

  test('finds the server by DATA/run.json', async () => {
    server.on('GET /api/nodes', page([]))
    await writeFile(join(data, 'run.json'), JSON.stringify({ http: { host: '0.0.0.0', port: Number(new URL(server.url).port) } }))
    expect((await cli(['nodes', '--data', data])).exit).toBe(0)
  })
})

describe('the token', () => {
  beforeEach(() => server.on('GET /api/nodes', page([])))
  const sent = () => server.seen[0]!.headers.authorization

  test('comes from ESPALIER_TOKEN before ESPALIER_TOKEN_FILE before DATA/token', async () => {
    const file = join(data, 'other')
    await writeFile(file, 'from-file\n')
    await writeFile(join(data, 'token'), 'from-data\n')
    await cli(['nodes'], { env: { ...env, ESPALIER_TOKEN: 'from-env', ESPALIER_TOKEN_FILE: file } })
    await cli(['nodes'], { env: { ...env, ESPALIER_TOKEN_FILE: file } })
    await cli(['nodes'], { env })
    expect(server.seen.map(s => s.headers.authorization)).toEqual(['Bearer from-env', 'Bearer from-file', 'Bearer from-data'])
  })

  test('may be absent', async () => {
    expect((await cli(['nodes'], { env })).exit).toBe(0)
    expect(sent()).toBeUndefined()
  })

  test('that the server refuses exits 5', async () => {
    server.on('GET /api/nodes', problem(401, 'token_missing', 'this token is not known'))
    const { exit, err } = await cli(['nodes'], { env })
    expect(exit).toBe(5)
    expect(err).toContain('ESPALIER_TOKEN')
  })
})

describe('a server that does not answer', () => {
  test.each([[['nodes']], [['watch']], [['send', 'a', 'ping']], [['export']]])(
    'exits 5 and asks for npm start: %j',
    async words => {
      const { exit, err, out } = await cli(words, { env: { ...env, ESPALIER_URL: 'http://127.0.0.1:1' } })
      expect(exit).toBe(5)
      expect(err).toMatch(/^error unreachable: .*127\.0\.0\.1:1/)
      expect(err).toContain('npm start')
      expect(out).toBe('')
    },
  )

  test('because nothing runs in the data directory exits 5', async () => {
    for (const words of [['nodes'], ['pub', 'iot/t', 'x'], ['sub', 't']]) {
      const { exit, err } = await cli(words, { env: { ESPALIER_DATA: data } })
      expect(exit).toBe(5)
      expect(err).toContain('run.json')
    }
  })
})

describe('nodes', () => {
  test('as a table has shapes beside the words and no colour off a terminal', async () => {
    server.on('GET /api/nodes', page([nodeView('01', { name: 'Greenhouse' }), nodeView('02', { state: 'offline', rssi: null })]))
    const { out } = await cli(['nodes'], { env })
    const [title, first, second] = out.split('\n')
    expect(title).toMatch(/^NODE +STATE +CLAIMED +LAST SEEN/)
    expect(first).toMatch(/^01 \(Greenhouse\) +● online .*-60 dBm .*temperature=22.5$/)
    expect(second).toContain('○ offline')
    expect(out).not.toContain('\u001b')
  })

  test('on a terminal is coloured, unless NO_COLOR or --no-color says otherwise', async () => {
    server.on('GET /api/nodes', page([nodeView('01')]))
    expect((await cli(['nodes'], { env, terminal: true })).out).toContain('\u001b[32m')
    expect((await cli(['nodes'], { env: { ...env, NO_COLOR: '1' }, terminal: true })).out).not.toContain('\u001b')
    expect((await cli(['nodes', '--no-color'], { env, terminal: true })).out).not.toContain('\u001b')
    expect((await cli(['nodes', '--json'], { env, terminal: true })).out).not.toContain('\u001b')
  })

  test('as JSON is the list itself', async () => {
    const nodes = [nodeView('01'), nodeView('02')]
    server.on('GET /api/nodes', page(nodes))
    expect(JSON.parse((await cli(['nodes', '--json'], { env })).out)).toEqual(nodes)
  })

  test('when there is none shows the next step', async () => {
    server.on('GET /api/nodes', page([]))
    expect((await cli(['nodes'], { env })).out).toContain('mosquitto_pub')
  })

  test('node show of an unknown node exits 6', async () => {
    server.on('GET /api/nodes/nope', problem(404, 'not_found', 'no node has the id "nope"; GET /api/nodes lists those there are'))
    const { exit, err } = await cli(['node', 'show', 'nope'], { env })
    expect(exit).toBe(6)
    expect(err).toBe('error not_found: no node has the id "nope"\n  try: espalier nodes\n')
  })
})

test('a missing argument points to the help of that very command, wherever common options stand', async () => {
  expect((await cli(['node', 'add'], { env })).err).toContain('try: espalier node add --help')
  expect((await cli(['--data', 'data', 'alerts', 'silence'], { env })).err).toContain('try: espalier alerts silence --help')
  expect((await cli(['send'], { env })).err).toContain('try: espalier send --help')
})

test('a list that is empty because of what was asked for does not say that there is nothing at all', async () => {
  server.on('GET /api/commands', page([]))
  server.on('GET /api/audit', page([]))
  expect((await cli(['commands', '--node', 'nope'], { env })).out).toBe('No such commands.\n')
  expect((await cli(['commands'], { env })).out).toContain('espalier send')
  expect((await cli(['audit', '--action', 'nope'], { env })).out).toBe('No such entries.\n')
})

test('backup --schedule names the flag that can not be, and makes neither folder nor file', async () => {
  const dir = join(data, 'copies')
  const run = await cli(['backup', '--schedule', dir, '--every', '1s'], { env: { ESPALIER_DATA: data } })
  expect(run).toMatchObject({
    exit: 2,
    out: '',
    err: expect.stringMatching(/^error bad_input: --every is 1s \(backup\.every\); allowed: a time .* from 1m to 1y/),
  })
  expect(existsSync(dir)).toBe(false)
})

describe('send', () => {
  const sendsTo = (first: ReturnType<typeof commandView>, ...followUp: ReturnType<typeof commandView>[]) => {
    server.on('POST /api/nodes/sim-1/commands', json(first, 202))
    server.on(`GET /api/commands/${first.id}`, json(first))
    server.on('GET /api/events', events(...followUp.map(c => ['command', c] as const)))
  }

  test('types k=v and posts them with expires and key', async () => {
    sendsTo(commandView('queued'))
    await cli(
      [
        'send',
        'sim-1',
        'set_led',
        'state=on',
        'n=128',
        'f=-1.5e2',
        'yes=true',
        'no=false',
        'nil=null',
        'text=01',
        'eq=a=b',
        'empty=',
        '--expires',
        '60',
        '--key',
        'k1',
        '--no-wait',
      ],
      { env },
    )
    expect(server.seen[0]!.body).toEqual({
      command: 'set_led',
      expires: 60,
      params: { state: 'on', n: 128, f: -150, yes: true, no: false, nil: null, text: '01', eq: 'a=b', empty: '' },
    })
    expect(server.seen[0]!.headers['idempotency-key']).toBe('k1')
  })

  test('takes --params as JSON, with words over it', async () => {
    sendsTo(commandView('queued'))
    await cli(['send', 'sim-1', 'configure', 'rev=2', '--params', '{"rev":1,"outputs":{"relay":{"safe":0}}}', '--no-wait'], {
      env,
    })
    expect(server.seen[0]!.body.params).toEqual({ rev: 2, outputs: { relay: { safe: 0 } } })
  })

  test.each([[['on']], [['=on']], [['--params', '[1]']], [['--params', '{']], [['--expires', '0']]])(
    'refuses %j with exit 2',
    async words => {
      expect((await cli(['send', 'sim-1', 'set_led', ...words], { env })).exit).toBe(2)
      expect(server.seen).toEqual([])
    },
  )

  test.each([
    ['done', 0],
    ['failed', 3],
    ['rejected', 3],
    ['cancelled', 3],
    ['expired', 4],
    ['unknown', 4],
  ] as const)('waits for the final state: %s exits %i', async (state, exit) => {
    sendsTo(commandView('queued'), commandView('sent'), commandView(state, { node: 'sim-1' }))
    const run = await cli(['send', 'sim-1', 'set_led', 'state=on', '--json'], { env })
    expect(run.exit).toBe(exit)
    expect(JSON.parse(run.out).state).toBe(state)
  })

  test('sees a final state that came before the event stream was open', async () => {
    server.on('POST /api/nodes/sim-1/commands', json(commandView('queued'), 202))
    server.on(`GET /api/commands/${commandView('done').id}`, json(commandView('done')))
    server.on('GET /api/events', events())
    expect((await cli(['send', 'sim-1', 'set_led'], { env })).exit).toBe(0)
  })

  test('ignores what happens to other commands', async () => {
    sendsTo(commandView('queued'), commandView('failed', { id: '01J0000000000000000000000B' }), commandView('done'))
    expect((await cli(['send', 'sim-1', 'set_led'], { env })).exit).toBe(0)
  })

  test('that hits its timeout exits 4 and says that the command lives on', async () => {
    sendsTo(commandView('queued'), commandView('sent'))
    const { exit, err, out } = await cli(['send', 'sim-1', 'set_led', '--timeout', '0.2', '--json'], { env })
    expect(exit).toBe(4)
    expect(JSON.parse(out)).toMatchObject({ id: commandView('sent').id, state: 'sent' })
    expect(err).toContain(`sent after 0.2 s; it lives on: espalier command show ${commandView('sent').id}`)
  })

  test('that is interrupted exits 4 and does not claim to have waited for its timeout', async () => {
    const person = new AbortController()
    server.on('POST /api/nodes/sim-1/commands', json(commandView('queued'), 202))
    server.on('GET /api/events', (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      person.abort()
    })
    const { exit, err } = await cli(['send', 'sim-1', 'set_led'], { env, ended: person.signal })
    expect(exit).toBe(4)
    expect(err).toContain('queued when you stopped waiting; it lives on')
  })

  test('shows code and message of a failed command', async () => {
    sendsTo(commandView('rejected', { error: { code: 'bad_params', message: 'brightness is 300' } }))
    expect((await cli(['send', 'sim-1', 'set_led'], { env })).out).toContain('bad_params: brightness is 300')
  })

  test('to an unknown node exits 6, with a full queue 3, with bad input 2', async () => {
    for (const [status, exit] of [
      [404, 6],
      [429, 3],
      [409, 3],
      [400, 2],
      [413, 2],
      [503, 5],
      [500, 1],
    ] as const) {
      server.on(
        'POST /api/nodes/sim-1/commands',
        problem(status, 'code', 'because', [{ path: '/params', message: 'too much', allowed: 'less' }]),
      )
      const run = await cli(['send', 'sim-1', 'ping'], { env })
      expect(run.exit, String(status)).toBe(exit)
      expect(run.err).toContain('/params: too much; allowed: less')
    }
  })
})

describe('watch', () => {
  const reading = (node: string, seq: number, fields: Record<string, number> = { temperature: 20 + seq, humidity: 50 }) => ({
    node,
    time: 1_767_000_000_000 + seq,
    boot: 7,
    seq,
    fields,
  })

  test('prints a line a reading and ends after --count', async () => {
    server.on('GET /api/events', events(['readings', [reading('a', 1), reading('a', 2)]], ['readings', [reading('a', 3)]]))
    const { exit, out } = await cli(['watch', 'a', '--json', '--count', '2'], { env })
    expect(exit).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([reading('a', 1), reading('a', 2)])
    expect(server.seen[0]!.query.get('node')).toBe('a')
    expect(server.seen[0]!.query.get('types')).toBe('readings')
  })

  test('with --sensor keeps to readings that have it, and to its value', async () => {
    server.on('GET /api/events', events(['readings', [reading('a', 1, { humidity: 1 }), reading('a', 2)]]))
    const { out } = await cli(['watch', '--json', '--count', '1', '--sensor', 'temperature'], { env })
    expect(JSON.parse(out)).toMatchObject({ seq: 2, fields: { temperature: 22 } })
  })

  test('ends after --for, with exit 4 when it still waited for readings', async () => {
    server.on('GET /api/events', events(['readings', [reading('a', 1)]]))
    expect((await cli(['watch', '--for', '100ms'], { env })).exit).toBe(0)
    expect((await cli(['watch', '--for', '100ms', '--count', '5'], { env })).exit).toBe(4)
  })

  test('of an id that never spoke says so, and waits for it', async () => {
    server.on('GET /api/events', events(['readings', [reading('nope', 1)]]))
    const { exit, out, err } = await cli(['watch', 'nope', '--count', '1'], { env })
    expect(exit).toBe(0)
    expect(out).toContain('nope')
    expect(err).toContain('no node has the id "nope" yet')
  })

  test('ends quietly when it is interrupted', async () => {
    server.on('GET /api/events', events(['readings', [reading('a', 1)]]))
    const { exit, err } = await cli(['watch'], { env, ended: AbortSignal.timeout(100) })
    expect({ exit, err }).toEqual({ exit: 0, err: '' })
  })
})

describe('lists', () => {
  test('commands filters by node and state', async () => {
    server.on('GET /api/commands', page([commandView('done')]))
    const { out } = await cli(['commands', '--node', 'sim-1', '--state', 'done', '--limit', '5'], { env })
    expect(out).toMatch(/01J0000000000000000000000A +sim-1 +done +.*set_led state=on/)
    expect(Object.fromEntries(server.seen[0]!.query)).toEqual({ node: 'sim-1', state: 'done', limit: '5' })
  })

  test('commands refuses a state that does not exist', async () => {
    const { exit, err } = await cli(['commands', '--state', 'ready'], { env })
    expect(exit).toBe(2)
    expect(err).toContain('queued')
  })

  test('command cancel exits 3 when it is no longer queued', async () => {
    server.on('DELETE /api/commands/x', problem(409, 'state_conflict', 'the command is sent'))
    expect((await cli(['command', 'cancel', 'x'], { env })).exit).toBe(3)
    server.on('DELETE /api/commands/x', json(commandView('cancelled')))
    expect((await cli(['command', 'cancel', 'x'], { env })).exit).toBe(0)
  })

  test('rejects shows reason, sentence and raw text', async () => {
    const reject = {
      id: 'r1',
      node: '01',
      topic: 'iot/node/01/telemetry',
      reason: 'bad_json',
      detail: 'It ends too early.',
      time: 1_767_000_000_000,
      size: 5,
      raw_base64: Buffer.from('{"a"\n').toString('base64'),
      truncated: false,
      count: 1,
      indices: null,
    }
    server.on('GET /api/rejects', page([reject]))
    const { out } = await cli(['rejects', '--reason', 'bad_json', '--since', '-1h'], { env })
    expect(out).toContain('bad_json')
    expect(out).toContain('It ends too early.')
    expect(out).toContain('{"a"\\n')
    expect(server.seen[0]!.query.get('since')).toBe('-1h')
    expect(JSON.parse((await cli(['rejects', '--json'], { env })).out)).toEqual([reject])
    expect((await cli(['rejects', '--since', 'yesterday'], { env })).exit).toBe(2)
  })

  test('rejects --counts and ledger print what the server says', async () => {
    const counts = { total: 3, by_reason: { bad_json: 3 }, by_node: { '01': 3 } }
    server.on('GET /api/rejects/counts', json(counts))
    expect(JSON.parse((await cli(['rejects', '--counts', '--json'], { env })).out)).toEqual(counts)
    expect((await cli(['rejects', '--counts'], { env })).out).toMatch(/bad_json +3/)
    const report = {
      node: '01',
      expected: 5,
      stored: 3,
      duplicates: 0,
      rejected: 0,
      missing: 2,
      lost: 0,
      dropped: 0,
      gaps: [{ boot: 7, from: 1, to: 2, first_ms: null, last_ms: null, state: 'open' }],
    }
    server.on('GET /api/ledger', page([report]))
    expect(JSON.parse((await cli(['ledger', '--json'], { env })).out)).toEqual([report])
    expect((await cli(['ledger'], { env })).out).toMatch(/01 +open +7 +1 to 2/)
  })
})

describe('export', () => {
  test('passes what the server sends, byte for byte', async () => {
    server.on('GET /api/export', (_, response) => void response.writeHead(200).end('time,node\n1,a\n'))
    const run = await cli(
      ['export', '--node', 'a', 'b', '--sensor', 't', '--from', '-24h', '--to', '2026-01-01', '--rollup', '1m'],
      { env },
    )
    expect(run).toEqual({ exit: 0, out: 'time,node\n1,a\n', err: '' })
    const { query } = server.seen[0]!
    expect(query.getAll('node')).toEqual(['a', 'b'])
    expect(Object.fromEntries(query)).toMatchObject({ sensor: 't', from: '-24h', to: '2026-01-01', format: 'csv', rollup: '1m' })
  })

  test('with --json asks for JSON lines', async () => {
    server.on('GET /api/export', (_, response) => void response.writeHead(200).end('{}\n'))
    await cli(['export', '--json'], { env })
    expect(server.seen[0]!.query.get('format')).toBe('jsonl')
  })

  test('takes the format from the name of the file, unless --format says another', async () => {
    server.on('GET /api/export', (_, response) => void response.writeHead(200).end('abc'))
    const asked = async (...words: string[]) => {
      await cli(['export', ...words], { env })
      return server.seen.at(-1)!.query.get('format')
    }
    expect(await asked('--out', join(data, 'all.parquet'))).toBe('parquet')
    expect(await asked('--out', join(data, 'all.jsonl'))).toBe('jsonl')
    expect(await asked('--out', join(data, 'all.txt'))).toBe('csv')
    expect(await asked('--out', join(data, 'b.parquet'), '--format', 'csv')).toBe('csv')
  })

  test('with --out the file appears whole', async () => {
    server.on('GET /api/export', (_, response) => void response.writeHead(200).end('abc'))
    const file = join(data, 'x.csv')
    expect((await cli(['export', '--out', file], { env })).out).toBe('')
    expect(await readFile(file, 'utf8')).toBe('abc')
  })

  test('shows how far it is on a terminal, not with --quiet or --json, and not between the rows', async () => {
    server.on('GET /api/export', (_, response) => void response.writeHead(200).end('time,node\n1,a\n'))
    const file = join(data, 'x.csv')
    const shown = async (...words: string[]) =>
      (await cli(['export', ...words], { env, errorTerminal: true, terminal: true })).err
    expect(await shown('--out', file)).toBe(`\r\u001b[2Kwaiting for the first rows\r\u001b[2K${file}: 1 rows, 0.0 MB\n`)
    expect(await shown('--out', file, '--quiet')).toBe('')
    expect(await shown()).toBe('')
    expect((await cli(['export', '--json'], { env, errorTerminal: true })).err).toBe('')
    expect((await cli(['export', '--out', file], { env })).err).toBe(`${file}: 1 rows, 0.0 MB\n`)
  })

  test('that is cut off exits 5 and leaves no file', async () => {
    server.on('GET /api/export', (_, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('abc', () => response.destroy())
    })
    const file = join(data, 'x.csv')
    const { exit, err } = await cli(['export', '--out', file], { env })
    expect(exit).toBe(5)
    expect(err).toContain('cut off')
    await expect(readFile(file)).rejects.toThrow('ENOENT')
  })

  test.each([
    ['none/x.csv', 'none/x.csv: there is no such file or folder'],
    ['folder', 'folder: is a folder where a file is needed'],
    ['file/x.csv', 'file/x.csv: a part of it is a file where a folder is needed'],
  ])('to %s names it and says why it can not be written', async (name, said) => {
    server.on('GET /api/export', (_, response) => void response.writeHead(200).end('abc'))
    await mkdir(join(data, 'folder'))
    await writeFile(join(data, 'file'), '')
    const { exit, err } = await cli(['export', '--out', join(data, name)], { env })
    expect(exit).toBe(2)
    expect(err).toContain(join(data, said))
    expect(err).not.toContain('unfinished')
    expect((await readdir(data)).sort()).toEqual(['file', 'folder'])
  })

  test('refused for one place says it once', async () => {
    const places = [{ path: '/from', message: 'is 2', allowed: 'a time before `to`' }]
    server.on('GET /api/export', problem(400, 'bad_request', '/from is 2; allowed: a time before `to`', places))
    const { exit, err } = await cli(['export'], { env })
    expect({ exit, err }).toEqual({ exit: 2, err: 'error bad_request: /from is 2; allowed: a time before `to`\n' })
  })

  test('does not spill Parquet on a terminal', async () => {
    expect((await cli(['export', '--format', 'parquet'], { env, terminal: true })).exit).toBe(2)
  })
})

describe('ping', () => {
  test('reports each round trip, and exits 4 when none came back', async () => {
    server.on('POST /api/nodes/sim-1/commands', json(commandView('done'), 202))
    const { exit, out } = await cli(['ping', 'sim-1', '--count', '2', '--json'], { env })
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toEqual({ node: 'sim-1', sent: 2, received: 2, ms: [expect.any(Number), expect.any(Number)] })
    server.on('POST /api/nodes/sim-1/commands', json(commandView('expired'), 202))
    expect((await cli(['ping', 'sim-1', '--count', '1'], { env })).exit).toBe(4)
  })
})

describe('simulate', () => {
  test.each([
    [['--broker', 'http://x']],
    [['--broker', 'mqtt://u:p@x']],
    [['--fault', 'drop=2']],
    [['--rate', '0']],
    [['--nodes', '0']],
    [['--keep', 'never']],
    [['--qos', '3']],
    [['--prefix', '_x']],
    [['--for', 'ever']],
    [['--for', '0']],
  ])('refuses %j with exit 2', async words => {
    const { exit, err } = await cli(['simulate', '--for', '10ms', ...words], { env })
    expect(exit).toBe(2)
    expect(err).toContain('allowed')
  })

  test('says which of its ids are online already', async () => {
    server.on('GET /api/nodes', page([nodeView('sim-1'), nodeView('sim-2', { state: 'offline' }), nodeView('sim-11')]))
    await writeFile(join(data, 'run.json'), JSON.stringify({ mqtt: { host: '127.0.0.1', port: 1 } }))
    const { err } = await cli(['simulate', '--for', '10ms'], { env })
    expect(err).toContain('sim-1: online already')
    expect(err).toContain('--prefix')
  })

  test('without a broker exits 5', async () => {
    const { exit, err } = await cli(['simulate', '--broker', 'mqtt://127.0.0.1:1', '--for', '100ms', '--nodes', '1'], { env })
    expect(exit).toBe(5)
    expect(err).toContain('127.0.0.1:1')
  })
})

describe('up', () => {
  test('refuses values it can not use, with their place and what is allowed', async () => {
    await writeFile(join(data, 'espalier.yaml'), 'up:\n  mqtt_port: 1883\n  sim: many\n')
    const { exit, err } = await cli(['up', '--http-port', '99999'], { env })
    expect(exit).toBe(2)
    expect(err).toContain('--http-port: "99999"')
    expect(err).toContain(`${join(data, 'espalier.yaml')}:3: up.sim: "many"`)
  })

  test('needs the configuration that is named', async () => {
    expect((await cli(['up', '--config', join(data, 'none.yaml')], { env })).exit).toBe(2)
  })
})
