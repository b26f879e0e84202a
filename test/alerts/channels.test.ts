import { execFileSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ChannelKind, EmailChannel } from '../../src/contract/alert-rules.ts'
import type { Message } from '../../src/fleet/alerts/channels/channel.ts'
import { createChannel } from '../../src/fleet/alerts/channels/create.ts'
import { openReceiver, type Receiver } from './receiver.ts'

const message: Message = {
  delivery: '01ABC-firing',
  event: 'firing',
  time: 1_767_225_600_000,
  site: 'Gärtnerei',
  title: 'Gärtnerei: hot, temperature of Tomaten (01)',
  text: 'Temperature is 40; allowed: up to 35.',
  url: 'https://garden.local/alerts',
  alert: null,
}
const channelOf = (kind: ChannelKind) => createChannel({ name: 'c', from: 'test', ...kind })
const soon = () => AbortSignal.timeout(10_000)

let receiver: Receiver
beforeEach(async () => {
  receiver = await openReceiver()
})
afterEach(() => receiver.close())

const webhook = (more: object = {}) =>
  channelOf({ type: 'webhook', url: `${receiver.url}/T0/swordfish`, secret: null, authorization: null, ...more })

describe('a webhook', () => {
  test('gets the message as JSON, signed, with the id of the delivery', async () => {
    const sent = await webhook({ secret: 'sesame', authorization: 'Bearer x' }).send(message, soon())
    expect(sent).toEqual({ ok: true, detail: 'HTTP 200' })
    const { body, headers, text, path } = receiver.got[0]!
    expect(path).toBe('/T0/swordfish')
    expect(body).toEqual(message)
    expect(headers['x-espalier-delivery']).toBe('01ABC-firing')
    expect(headers.authorization).toBe('Bearer x')
    expect(headers['x-espalier-signature']).toBe(`sha256=${createHmac('sha256', 'sesame').update(text).digest('hex')}`)
  })

  test.each([
    [500, {}, 'soon'],
    [503, { 'retry-after': '120' }, 'soon'],
    [429, { 'retry-after': '120' }, 'soon'],
    [401, {}, 'later'],
    [404, {}, 'later'],
    [302, { location: 'http://127.0.0.1:1/steal' }, 'later'],
    [400, {}, 'never'],
  ])('that answers %i is tried again %s', async (status, headers, again) => {
    receiver.answer(status, headers as Record<string, string>, `no: http://x/T0/swordfish`)
    const sent = await webhook().send(message, soon())
    expect(sent).toMatchObject({ ok: false, again, ...('retry-after' in headers && { afterMs: 120_000 }) })
    expect(sent.detail).toContain(`HTTP ${status}`)
    expect(sent.detail).not.toContain('swordfish')
    expect(receiver.got.length).toBe(1)
  })

  test('that is away or never answers is tried again soon, without its address in the words', async () => {
    receiver.answer(null)
    expect(await webhook().send(message, AbortSignal.timeout(100))).toEqual({
      ok: false,
      detail: 'no answer in time',
      again: 'soon',
    })
    await receiver.close()
    const sent = await webhook().send(message, soon())
    expect(sent).toMatchObject({ ok: false, again: 'soon', detail: expect.stringContaining('ECONNREFUSED') })
    expect(sent.detail).not.toContain('swordfish')
    receiver = await openReceiver()
  })

  test('that takes it and never ends its answer, or breaks it off, is not sent it again', async () => {
    receiver.answer(200, { 'content-length': '5' }, '')
    expect(await webhook().send(message, AbortSignal.timeout(2_000))).toEqual({ ok: true, detail: 'HTTP 200' })
    expect(receiver.got.length).toBe(1)
  })

  test('shows where it goes, not the secret in its path', () => {
    expect(webhook().target).toBe(`${receiver.url}/…`)
  })
})

describe('ntfy', () => {
  test('gets topic, title, priority and token; its topic is not shown', async () => {
    const ntfy = channelOf({ type: 'ntfy', server: receiver.url, topic: 'garden-7f3a', token: 'tk_1', priority: 5 })
    expect((await ntfy.send(message, soon())).ok).toBe(true)
    await ntfy.send({ ...message, event: 'resolved' }, soon())
    expect(receiver.got[0]!.headers.authorization).toBe('Bearer tk_1')
    expect(receiver.got[0]!.body).toMatchObject({
      topic: 'garden-7f3a',
      title: message.title,
      message: message.text,
      priority: 5,
      click: message.url,
    })
    expect(receiver.got[1]!.body.priority).toBe(3)
    expect(channelOf({ type: 'ntfy', server: 'https://ntfy.sh', topic: 'garden-7f3a', token: null, priority: 4 }).target).toBe(
      'https://ntfy.sh/gar…',
    )
  })
})

describe('telegram', () => {
  const bot = () => channelOf({ type: 'telegram', api: receiver.url, token: '123:swordfish', chat: '-100' })

  test('gets a message of the bot', async () => {
    expect((await bot().send(message, soon())).ok).toBe(true)
    expect(receiver.got[0]!.path).toBe('/bot123:swordfish/sendMessage')
    expect(receiver.got[0]!.body).toMatchObject({ chat_id: '-100', text: [message.title, message.text, message.url].join('\n') })
  })

  test('that refuses its token says so without it', async () => {
    receiver.answer(401, {}, '{"ok":false,"description":"Unauthorized: bot123:swordfish"}')
    const sent = await bot().send(message, soon())
    expect(sent).toMatchObject({ ok: false, again: 'later' })
    expect(sent.detail).toContain('Unauthorized')
    expect(sent.detail).not.toContain('swordfish')
  })
})

describe('e-mail', () => {
  let dir: string
  let server: SMTPServer | undefined
  const mails: { text: string; user: string | undefined; secure: boolean }[] = []

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'espalier-smtp-'))
    const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-days',
        '2',
        '-keyout',
        join(dir, 'key.pem'),
        '-out',
        join(dir, 'cert.pem'),
        ...names,
      ],
      { stdio: 'ignore' },
    )
  })
  afterAll(() => rmSync(dir, { recursive: true }))
  afterEach(async () => {
    mails.length = 0
    await new Promise<void>(done => (server ? server.close(() => done()) : done()))
    server = undefined
  })

  async function listen(options: SMTPServerOptions = {}): Promise<number> {
    server = new SMTPServer({
      logger: false,
      key: readFileSync(join(dir, 'key.pem')),
      cert: readFileSync(join(dir, 'cert.pem')),
      authOptional: true,
      onAuth: ({ username, password }, _, done) =>
        password === 'sesame' ? done(null, { user: username }) : done(new Error('Invalid username or password')),
      onData(stream, session, done) {
        let text = ''
        stream.on('data', piece => (text += piece))
        stream.on('end', () => {
          mails.push({ text, user: session.user as string | undefined, secure: session.secure })
          done()
        })
      },
      ...options,
    })
    server.on('error', () => undefined)
    await new Promise<void>(done => server!.listen(0, '127.0.0.1', () => done()))
    return (server.server.address() as AddressInfo).port
  }
  const mailTo = (port: number, more: Partial<EmailChannel> = {}) =>
    channelOf({
      type: 'email',
      host: 'localhost',
      port,
      security: 'none',
      user: null,
      password: null,
      sender: 'espalier@garden.example',
      to: ['a@example.org', 'b@example.org'],
      ...more,
    })

  test('arrives with subject, text, thread and the same Message-ID whenever it is sent again', async () => {
    const channel = mailTo(await listen())
    for (const _ of [1, 2]) expect((await channel.send(message, soon())).ok).toBe(true)
    expect(mails.length).toBe(2)
    for (const { text } of mails) {
      expect(text).toContain('Message-ID: <01ABC-firing@garden.example>')
      expect(text).toContain('To: a@example.org, b@example.org')
      expect(text).toContain('Temperature is 40; allowed: up to 35.')
      expect(text).toMatch(/^Subject: =\?UTF-8\?/m)
    }
  })

  test('signs in, over STARTTLS, when the certificate is one that is trusted: a self-signed one is refused', async () => {
    const port = await listen()
    const channel = mailTo(port, { security: 'starttls', user: 'me', password: 'sesame' })
    const sent = await channel.send(message, soon())
    expect(sent).toMatchObject({ ok: false, detail: expect.stringMatching(/self-signed|certificate/i) })
    expect(mails).toEqual([])
  })

  test('signs in, with TLS from the first byte and with STARTTLS, where the certificate is trusted', () => {
    // Trust is given to a process at its start, so the sender is one of its own.
    return Promise.all(
      (['tls', 'starttls'] as const).map(async security => {
        const own = await listenApart(security === 'tls')
        const config = {
          name: 'm',
          from: 't',
          type: 'email',
          host: 'localhost',
          port: own.port,
          security,
          user: 'me',
          password: 'sesame',
          sender: 'a@b.example',
          to: ['c@d.example'],
        }
        const script = `import { createChannel } from ${JSON.stringify(join(process.cwd(), 'dist/fleet/alerts/channels/create.js'))}
          const sent = await createChannel(${JSON.stringify(config)}).send(${JSON.stringify(message)}, AbortSignal.timeout(10000))
          console.log(JSON.stringify(sent))`
        const out = await runNode(script, { NODE_EXTRA_CA_CERTS: join(dir, 'cert.pem') })
        expect(JSON.parse(out)).toMatchObject({ ok: true })
        expect(own.mails).toEqual([{ user: 'me', secure: true }])
        await own.close()
      }),
    )
  })

  test('that insists on STARTTLS sends nothing to a server without it', async () => {
    const channel = mailTo(await listen({ hideSTARTTLS: true, disabledCommands: ['STARTTLS'] }), { security: 'starttls' })
    expect(await channel.send(message, soon())).toMatchObject({ ok: false })
    expect(mails).toEqual([])
  })

  test('a refused password is said without it; a server that is away is tried soon', async () => {
    const port = await listen({ allowInsecureAuth: true })
    const sent = await mailTo(port, { user: 'me', password: 'swordfish' }).send(message, soon())
    expect(sent).toMatchObject({ ok: false, again: 'later' })
    expect(sent.detail).not.toContain('swordfish')
    await receiver.close()
    expect(await mailTo(receiver.port).send(message, soon())).toMatchObject({ ok: false, again: 'soon' })
    receiver = await openReceiver()
  })

  test('a server that never greets is given up in time', async () => {
    const { createServer } = await import('node:net')
    const mute = createServer(socket => socket.on('error', () => undefined))
    await new Promise<void>(done => mute.listen(0, '127.0.0.1', done))
    const sent = await mailTo((mute.address() as AddressInfo).port).send(message, AbortSignal.timeout(200))
    expect(sent).toEqual({ ok: false, detail: 'no answer in time', again: 'soon' })
    mute.close()
  })

  async function listenApart(secure: boolean) {
    const seen: { user: string; secure: boolean }[] = []
    const apart = new SMTPServer({
      logger: false,
      secure,
      key: readFileSync(join(dir, 'key.pem')),
      cert: readFileSync(join(dir, 'cert.pem')),
      onAuth: ({ username, password }, _, done) =>
        password === 'sesame' ? done(null, { user: username }) : done(new Error('no')),
      onData(stream, session, done) {
        stream.on('data', () => undefined)
        stream.on('end', () => {
          seen.push({ user: session.user as string, secure: session.secure })
          done()
        })
      },
    })
    apart.on('error', () => undefined)
    await new Promise<void>(done => apart.listen(0, 'localhost', () => done()))
    return {
      port: (apart.server.address() as AddressInfo).port,
      mails: seen,
      close: () => new Promise<void>(done => apart.close(() => done())),
    }
  }
})

async function runNode(script: string, env: Record<string, string>): Promise<string> {
  const { execFile } = await import('node:child_process')
  return new Promise((done, fail) =>
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => (error ? fail(new Error(stderr)) : done(stdout)),
    ),
  )
}
