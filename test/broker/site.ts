import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/kit/clock.ts'
import { openCertificates } from '../../src/site/certificates/certificates.ts'
import { openSocket } from './client.ts'
import { freePort } from './mosquitto.ts'

/** A mosquitto as docs/guide/mosquitto.md has it: passwords and the wire contract's ACL, services on a plain listener of the loopback,
 *  boards on TLS with passwords (8883) and with certificates (8884), sessions kept on disk. It can be killed and started again on the
 *  same ports with the same disk, or without it. */
export interface Site {
  readonly dir: string
  readonly plain: number
  readonly tls: number
  readonly certs: number
  readonly ca: string
  /** PEM files of a client certificate for this name. */
  certificate(cn: string): Promise<{ cert: string; key: string }>
  readonly pid: number
  kill(): Promise<void>
  start(): Promise<void>
  /** Removes what it kept: all sessions and retained messages are gone at the next start. */
  forget(): Promise<void>
}

export const managerPassword = 'correct-horse-_manager'
export const nodePassword = (id: string): string => `correct-horse-${id}`

/** What each identity may do (wire contract §1), as the guide prints it. */
export const acl = `user _manager
topic readwrite iot/#
topic read $SYS/#

pattern write iot/node/%u/telemetry
pattern write iot/node/%u/status
pattern write iot/node/%u/ack
pattern write iot/node/%u/log
pattern read iot/node/%u/command
pattern read iot/node/%u/receipt
pattern read iot/broker/status
`

/** `users`: the nodes that have a password. */
export async function startSite(users: readonly string[], settings: readonly string[] = []): Promise<Site> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-site-'))
  const certificates = await openCertificates({
    dir,
    clock: systemClock,
    clockSuspect: () => false,
    names: () => ({ dns: ['localhost'], ips: ['127.0.0.1'] }),
    onTrouble: () => undefined,
  })
  const passwords = [['_manager', managerPassword], ...users.map(id => [id, nodePassword(id)])]
  const passwordFile = join(dir, 'passwords')
  await writeFile(passwordFile, passwords.map(([user, password]) => `${user}:${password}\n`).join(''))
  if (spawnSync('mosquitto_passwd', ['-U', passwordFile]).status !== 0) throw new Error('mosquitto_passwd')
  const aclFile = join(dir, 'acl')
  await writeFile(aclFile, acl)
  const plain = await freePort()
  const tls = await freePort()
  const certs = await freePort()
  const ca = join(dir, 'ca.pem')
  const withTls = (port: number): string[] => [
    `listener ${port} 127.0.0.1`,
    `cafile ${ca}`,
    `certfile ${join(dir, 'server.pem')}`,
    `keyfile ${join(dir, 'server-key.pem')}`,
  ]
  const lines = [
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    'allow_anonymous false',
    `password_file ${passwordFile}`,
    `acl_file ${aclFile}`,
    'set_tcp_nodelay true',
    'max_inflight_messages 1000',
    'max_queued_messages 100000',
    'sys_interval 1',
    'persistence true',
    `persistence_location ${dir}/`,
    'autosave_interval 1',
    'log_type none',
    ...settings,
    `listener ${plain} 127.0.0.1`,
    ...withTls(tls),
    'use_username_as_clientid true',
    ...withTls(certs),
    'require_certificate true',
    'use_identity_as_username true',
  ]
  const config = join(dir, 'mosquitto.conf')
  await writeFile(config, `${lines.join('\n')}\n`)
  let child: ChildProcess | null = null
  const kill = async (): Promise<void> => {
    const was = child
    child = null
    if (was === null || was.exitCode !== null || was.signalCode !== null) return
    const gone = once(was, 'exit')
    was.kill('SIGKILL')
    await gone
  }
  const start = async (): Promise<void> => {
    const started = spawn('mosquitto', ['-c', config], { stdio: 'ignore' })
    child = started
    for (;;) {
      if (started.exitCode !== null) throw new Error(`mosquitto ended with ${started.exitCode}`)
      const socket = await openSocket(plain).catch(() => null)
      socket?.destroy()
      if (socket !== null) return
      await new Promise(resolve => setTimeout(resolve, 10))
    }
  }
  await start()
  return {
    dir,
    plain,
    tls,
    certs,
    ca,
    async certificate(cn) {
      const { cert, key } = await certificates.issue(cn)
      const files = { cert: join(dir, `${cn}.pem`), key: join(dir, `${cn}-key.pem`) }
      await writeFile(files.cert, cert)
      await writeFile(files.key, key)
      return files
    },
    get pid() {
      return child!.pid!
    },
    kill,
    start,
    forget: () => rm(join(dir, 'mosquitto.db'), { force: true }),
  }
}

/** For `onTestFinished`. */
export async function endSite(site: Site): Promise<void> {
  await site.kill()
  await rm(site.dir, { recursive: true, force: true })
}
