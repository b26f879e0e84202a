import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSocket } from './client.ts'

/** Is Debian's mosquitto here? The suites that hold us against it are skipped without it, and say so. */
const asked = spawnSync('mosquitto', ['-h'], { encoding: 'utf8' })
export const hasMosquitto = asked.error === undefined
export const mosquittoVersion = /version (\S+)/.exec(asked.stdout ?? '')?.[1] ?? ''

/** A mosquitto of the test's own: a free port of the loopback, no disk, anybody may do anything. */
export interface Mosquitto {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** `settings`: further lines of its configuration. */
export async function startMosquitto(settings: readonly string[] = []): Promise<Mosquitto> {
  for (let attempt = 0; ; attempt++) {
    const port = await freePort()
    const started = await tryStart(port, settings)
    if (started !== null) return started
    if (attempt === 4) throw new Error('mosquitto does not listen')
  }
}

async function tryStart(port: number, settings: readonly string[]): Promise<Mosquitto | null> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-mosquitto-'))
  const file = join(dir, 'mosquitto.conf')
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'set_tcp_nodelay true', 'log_type none', ...settings]
  await writeFile(file, `${lines.join('\n')}\n`)
  const child = spawn('mosquitto', ['-c', file], { stdio: 'ignore' })
  const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
    await rm(dir, { recursive: true, force: true })
  }
  if (await listens(port, child)) return { port, pid: child.pid!, stop }
  await stop()
  return null
}

async function listens(port: number, child: ChildProcess): Promise<boolean> {
  while (child.exitCode === null && child.signalCode === null) {
    const socket = await openSocket(port).catch(() => null)
    if (socket !== null) {
      socket.destroy()
      return true
    }
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  return false
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
