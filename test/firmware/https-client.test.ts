import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer, type ServerOptions } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/kit/clock.ts'
import { openCertificates } from '../../src/site/certificates/certificates.ts'
import { temporaryData } from '../espalier.ts'
import { compilerThere, coreSources, firmware, linked, run } from './build.ts'
import { checked } from './targets.ts'

/** The download client of the host's board against a server with our own certificates: what it takes, and above all what it does not. */
const opensslThere = existsSync('/usr/include/openssl/ssl.h')

describe.skipIf(!compilerThere || !opensslThere)('the download client (needs g++, libssl-dev)', () => {
  const image = randomBytes(300_000)
  const servers: Server[] = []
  let dir: string
  let remove: () => Promise<void>
  let program: string
  let ours: { ca: string; key: string; cert: string }
  let theirs: { ca: string }

  async function house(folder: string) {
    const certificates = await openCertificates({
      dir: join(dir, folder),
      clock: systemClock,
      clockSuspect: () => false,
      names: () => ({ dns: ['localhost'], ips: ['127.0.0.1'] }),
      onTrouble: () => undefined,
    })
    const { key, cert } = certificates.server()
    await writeFile(join(dir, `${folder}.pem`), certificates.ca.pem)
    return { ca: join(dir, `${folder}.pem`), key, cert }
  }

  beforeAll(async () => {
    ;({ dir, remove } = await temporaryData())
    const host = ['http', 'http_head'].map(file => join(firmware, `boards/host/${file}.cpp`))
    const sources = [...(await coreSources()), ...host, join(firmware, 'test/fetch.cpp')]
    program = await linked({ ...checked, libraries: ['-lssl', '-lcrypto'] }, sources, join(dir, 'fetch'))
    ours = await house('ours')
    theirs = await house('theirs')
  }, 300_000)
  afterAll(async () => {
    for (const server of servers) {
      if ('closeAllConnections' in server) (server as any).closeAllConnections()
      server.close()
    }
    await remove()
  })

  async function serve(answer: RequestListener, options: ServerOptions = {}): Promise<number> {
    const server = createServer({ key: ours.key, cert: ours.cert, ...options }, answer)
    servers.push(server)
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    return (server.address() as AddressInfo).port
  }
  const fetched = async (url: string, { offset = 0, ca = ours.ca } = {}): Promise<any> => {
    const { stdout } = await run(program, [ca, url, String(offset), join(dir, 'out')])
    return JSON.parse(stdout)
  }
  const whole: RequestListener = (_, response) => void response.writeHead(200, { 'content-length': image.length }).end(image)

  test('gets all of it, over TLS with an address or a name, and waits for nothing meanwhile', async () => {
    const asked: IncomingMessage[] = []
    const port = await serve((request, response) => {
      asked.push(request)
      response.writeHead(200, { 'content-length': image.length })
      response.write(image.subarray(0, 1_000))
      setTimeout(() => response.end(image.subarray(1_000)), 300)
    })
    for (const host of ['127.0.0.1', 'localhost']) {
      const said = await fetched(`https://${host}:${port}/fw/abc?t=x`)
      expect(said).toMatchObject({ ended: 'done', status: 200, bytes: image.length, why: '' })
      // It came back without anything in the third of a second in which the server was silent.
      expect(said.waits).toBeGreaterThan(5)
      expect(await readFile(join(dir, 'out'))).toEqual(image)
    }
    expect(asked.map(request => [request.url, request.headers.range, request.headers.host])).toEqual([
      ['/fw/abc?t=x', undefined, `127.0.0.1:${port}`],
      ['/fw/abc?t=x', undefined, `localhost:${port}`],
    ])
  })

  test('asks for a part and takes that part only', async () => {
    const answers = new Map<string, RequestListener>([
      ['/part', (request, response) => part(request, response, 8_192)],
      ['/other', (request, response) => part(request, response, 4_096)],
      ['/beyond', (_, response) => void response.writeHead(416, { 'content-range': `bytes */${image.length}` }).end()],
      ['/whole', whole],
    ])
    const part = (request: IncomingMessage, response: ServerResponse, from: number) => {
      expect(request.headers.range).toBe('bytes=8192-')
      const range = `bytes ${from}-${image.length - 1}/${image.length}`
      response.writeHead(206, { 'content-range': range, 'content-length': image.length - from }).end(image.subarray(from))
    }
    const port = await serve((request, response) => answers.get(request.url!)!(request, response))
    const at = (path: string) => fetched(`https://127.0.0.1:${port}${path}`, { offset: 8_192 })
    expect(await at('/part')).toMatchObject({ ended: 'done', status: 206, bytes: image.length - 8_192 })
    expect(await readFile(join(dir, 'out'))).toEqual(image.subarray(8_192))
    expect(await at('/other')).toMatchObject({ ended: 'failed', bytes: 0, why: 'another range than was asked for' })
    expect(await at('/beyond')).toMatchObject({ ended: 'waiting', status: 416, bytes: 0 })
    expect(await at('/whole')).toMatchObject({ ended: 'done', status: 200, bytes: image.length })
  })

  test('trusts the CA of its settings alone, for the name it was sent to, from TLS 1.2 on', async () => {
    const port = await serve(whole)
    const notTrusted = { ended: 'failed', status: 0, bytes: 0, why: "the server's certificate is not trusted" }
    expect(await fetched(`https://127.0.0.1:${port}/`, { ca: theirs.ca })).toMatchObject(notTrusted)
    // 127.0.0.2 leads there too, and is not in the certificate.
    const server = createServer({ key: ours.key, cert: ours.cert }, whole)
    servers.push(server)
    await new Promise<void>(done => server.listen(0, '127.0.0.2', done))
    expect(await fetched(`https://127.0.0.2:${(server.address() as AddressInfo).port}/`)).toMatchObject(notTrusted)
    expect(await fetched(`https://127.0.0.1:${port}/`, { ca: '/dev/null' })).toMatchObject({
      why: 'no CA to check the server by',
    })

    const old = await serve(whole, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })
    expect(await fetched(`https://127.0.0.1:${old}/`)).toMatchObject({ ended: 'failed', why: 'TLS was refused', bytes: 0 })
    const just = await serve(whole, { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    expect(await fetched(`https://127.0.0.1:${just}/`)).toMatchObject({ ended: 'done' })

    const plain = createHttpServer(whole)
    servers.push(plain)
    await new Promise<void>(done => plain.listen(0, '127.0.0.1', done))
    expect(await fetched(`https://127.0.0.1:${(plain.address() as AddressInfo).port}/`)).toMatchObject({ why: 'TLS was refused' })
  })

  test('takes no answer but a body whose length was said', async () => {
    const raw =
      (text: string): RequestListener =>
      (request, response) => {
        request.socket.write(text)
        response.destroy()
      }
    const answers = new Map<string, RequestListener>([
      ['/redirect', (_, response) => void response.writeHead(302, { location: '/whole' }).end()],
      ['/chunked', (_, response) => void response.writeHead(200).end(image)],
      ['/zipped', (_, response) => void response.writeHead(200, { 'content-length': 3, 'content-encoding': 'gzip' }).end('abc')],
      ['/gone', (_, response) => void response.writeHead(404, { 'content-length': 2 }).end('no')],
      ['/none', raw('hello\r\n\r\n')],
      ['/twice', raw('HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd')],
      ['/number', raw('HTTP/1.1 200 OK\r\nContent-Length: 3x\r\n\r\nabcd')],
      ['/endless', raw(`HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(2_000)}`)],
      ['/cut', raw('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabcd')],
      ['/whole', whole],
    ])
    const port = await serve((request, response) => answers.get(request.url!)!(request, response))
    const at = (path: string) => fetched(`https://127.0.0.1:${port}${path}`)
    expect(await at('/redirect')).toMatchObject({ ended: 'waiting', status: 302, bytes: 0 })
    expect(await at('/gone')).toMatchObject({ ended: 'waiting', status: 404, bytes: 0 })
    for (const path of ['/chunked', '/zipped'])
      expect(await at(path)).toMatchObject({ ended: 'failed', bytes: 0, why: 'the answer has no Content-Length' })
    for (const path of ['/none', '/twice', '/number'])
      expect(await at(path)).toMatchObject({ ended: 'failed', bytes: 0, why: 'the answer is not HTTP' })
    expect(await at('/endless')).toMatchObject({ ended: 'failed', bytes: 0, why: "the answer's head is too long" })
    expect(await at('/cut')).toMatchObject({ ended: 'failed', status: 200, bytes: 4, why: 'the line broke' })
    expect(await at('/whole')).toMatchObject({ ended: 'done', bytes: image.length })
  })

  test.each([
    'http://127.0.0.1/',
    'https://',
    'https:///x',
    'https://[::1/x',
    'https://h:/x',
    'https://h:123456/x',
    'https://h:8a/x',
    'https://h/a b',
    'https://h/a\r\nX: y',
    `https://h/${'x'.repeat(600)}`,
    'https://name.invalid/',
    'https://user@127.0.0.1/',
  ])('does not go to %j', async url => {
    expect(await fetched(url)).toMatchObject({ ended: 'refused', status: 0, bytes: 0, why: expect.stringMatching(/URL|name/) })
  })

  test('says where nobody answers', async () => {
    const port = await serve(whole)
    await new Promise(done => servers.at(-1)!.close(done))
    expect(await fetched(`https://127.0.0.1:${port}/`)).toMatchObject({ bytes: 0, why: "can't connect" })
  })
})
