import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { type RequestOptions, request } from 'node:https'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { systemClock } from '../../src/kit/clock.ts'
import { openCertificates } from '../../src/site/certificates/certificates.ts'
import { temporaryData, type Up, up } from '../espalier.ts'

/** An address of this machine that is not the loopback: where a board would come from. undefined on a machine without a network. */
export const lanIp = Object.values(networkInterfaces())
  .flatMap(list => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address

export interface LanHouse extends Up {
  readonly caFile: string
  readonly mqtts: number
  readonly https: number
  /** POST /api/nodes: what a board needs. */
  add(id: string, cert?: boolean): Promise<{ password: string; cert: string; key: string; port: number }>
  /** The same as files, for programs: `--cert` and `--key` of mosquitto. */
  certFiles(id: string): Promise<{ cert: string; key: string }>
}

/** `espalier up --lan` on free ports, gone when the test ends. */
export async function lanHouse(...flags: string[]): Promise<LanHouse> {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  return lanHouseIn(dir, ...flags)
}

export async function lanHouseIn(dir: string, ...flags: string[]): Promise<LanHouse> {
  const house = await up(dir, '--lan', '--mqtts-port', '0', '--https-port', '0', ...flags)
  onTestFinished(() => house.kill())
  const add: LanHouse['add'] = async (id, cert = false) => {
    const { status, body } = await house.api('/api/nodes', {
      method: 'POST',
      body: JSON.stringify({ id, cert }),
      headers: { 'content-type': 'application/json' },
    })
    if (status !== 201 && status !== 200) throw new Error(`POST /api/nodes: ${status} ${JSON.stringify(body)}`)
    return body
  }
  return {
    ...house,
    caFile: join(dir, 'ca', 'ca.pem'),
    mqtts: house.run.mqtts!.port,
    https: house.run.https!.port,
    add,
    async certFiles(id) {
      const { cert, key } = await add(id, true)
      const files = { cert: join(dir, `${id}.pem`), key: join(dir, `${id}-key.pem`) }
      await writeFile(files.cert, cert)
      await writeFile(files.key, key, { mode: 0o600 })
      return files
    },
  }
}

/** Somebody else's CA, with a certificate for one of their boards. */
export async function strangers(id: string): Promise<{ caFile: string; cert: string; key: string }> {
  const { dir, remove } = await temporaryData()
  onTestFinished(remove)
  const certificates = await openCertificates({
    dir,
    clock: systemClock,
    clockSuspect: () => false,
    names: () => ({ dns: ['localhost'], ips: [] }),
    onTrouble: () => undefined,
  })
  const { cert, key } = await certificates.issue(id)
  const files = { caFile: join(dir, 'ca.pem'), cert: join(dir, 'board.pem'), key: join(dir, 'board-key.pem') }
  await writeFile(files.cert, cert)
  await writeFile(files.key, key)
  return files
}

/** Runs a program to its end. */
export function run(program: string, ...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(done => {
    execFile(program, args, { timeout: 20_000 }, (error, stdout, stderr) => {
      done({ code: error ? Number(error.code ?? 128) : 0, stdout, stderr })
    })
  })
}

/** One reading by Debian's mosquitto_pub; its exit code is the CONNACK code where it was refused. */
export const mosquittoPub = (port: number, node: string, ...args: string[]) =>
  run(
    'mosquitto_pub',
    ...['-p', String(port), '-q', '1', '-t', `iot/node/${node}/telemetry`],
    ...['-m', `{"node_id":"node_${node}","sensors":{"t":1}}`],
    ...args,
  )

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
}

/** A request over TLS, with any Host and Origin; trusts the house's CA alone. Node looks for the name in Host in the certificate,
 *  unless `servername` is another. */
export async function overTls(
  house: Pick<LanHouse, 'https' | 'caFile'>,
  path: string,
  options: RequestOptions & { body?: string } = {},
) {
  const { body, ...rest } = options
  const ca = await readFile(house.caFile)
  return new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: 'localhost', port: house.https, path, ca, agent: false, ...rest }, answer => {
      let text = ''
      answer.setEncoding('utf8').on('data', piece => (text += piece))
      answer.once('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }))
    })
    sent.once('error', reject)
    sent.end(body)
  })
}
