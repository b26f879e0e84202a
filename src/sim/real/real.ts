import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backoffMs } from '../../kit/backoff.ts'
import { seeded } from '../../kit/random.ts'
import type { BrokerAddress } from '../mqtt/link.ts'

/** Real nodes as processes: the firmware built for this machine (`npm run firmware`), in place of virtual ones. Each has a folder of its
 *  own for its flash, and is started again when it ends by itself, as a board would start. They say virtual:true, and end with this process,
 *  however it ends. */
export interface RealNodesOptions {
  /** The program, `espalier-node`. */
  readonly binary: string
  readonly ids: readonly string[]
  readonly broker: BrokerAddress
  readonly intervalS: number
  /** One user for all; null: anonymous. */
  readonly username: string | null
  readonly password: string | null
  /** Their flash, the witness of what they executed, and the password's file. */
  readonly stateDir: string
  /** One that can't be kept running, in words. */
  readonly onProblem: (text: string) => void
}

export interface RealNodes {
  readonly nodes: readonly { readonly id: string }[]
  /** They say goodbye; who does not within `settleMs` is ended. */
  stop(options: { settleMs: number }): Promise<void>
}

const again = { firstMs: 500, ceilingMs: 10_000 }
/** Ends so often in a row before somebody is told. */
const tellAfter = 3
/** Running for so long is no failure to start. */
const steadyMs = 5_000

export function startRealNodes(options: RealNodesOptions): RealNodes {
  const { ids, stateDir } = options
  mkdirSync(stateDir, { recursive: true, mode: 0o700 })
  const shared = sharedFlags(options)
  const random = seeded(1)
  const running = new Map<string, ChildProcess>()
  const timers = new Set<NodeJS.Timeout>()
  let stopping = false

  function start(id: string, failures: number): void {
    const flags = ['--id', id, ...shared, '--state', join(stateDir, id)]
    const child = spawn(options.binary, flags, { stdio: ['ignore', 'ignore', 'pipe'] })
    running.set(id, child)
    const since = performance.now()
    let last = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (last = `${last}${text}`.slice(-500)))
    const ended = (why: string): void => {
      if (running.get(id) !== child) return
      running.delete(id)
      if (stopping) return
      const failed = performance.now() - since < steadyMs ? failures + 1 : 0
      if (failed === tellAfter) options.onProblem(`${id} does not keep running (${why}): ${last.trim().split('\n').at(-1) ?? ''}`)
      const timer = setTimeout(
        () => {
          timers.delete(timer)
          start(id, failed)
        },
        backoffMs(failed, again, random),
      )
      timers.add(timer)
    }
    child.once('error', error => ended(error.message))
    child.once('exit', (code, signal) => ended(signal ?? `exit ${code}`))
  }
  for (const id of ids) start(id, 0)

  return {
    nodes: ids.map(id => ({ id })),
    async stop({ settleMs }) {
      stopping = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all([...running.values()].map(child => ended(child, settleMs)))
    },
  }
}

function sharedFlags({ broker, intervalS, username, password, stateDir }: RealNodesOptions): string[] {
  const host = broker.host.includes(':') ? `[${broker.host}]` : broker.host
  const flags = [
    '--broker',
    `${broker.tls ? 'mqtts' : 'mqtt'}://${host}:${broker.port}`,
    '--interval',
    String(Math.max(intervalS, 0.1)),
  ]
  flags.push('--exec-log', join(stateDir, 'executed.jsonl'), '--virtual', '--with-parent', String(process.pid))
  const file = (name: string, text: string): string => {
    const path = join(stateDir, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  if (broker.ca) flags.push('--ca', file('ca.pem', broker.ca))
  if (broker.cert && broker.key) flags.push('--cert', file('cert.pem', broker.cert), '--key', file('key.pem', broker.key))
  if (username !== null) flags.push('--user', username, '--password-file', file('password', password ?? ''))
  return flags
}

async function ended(child: ChildProcess, settleMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>(done => child.once('exit', () => done()))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), settleMs)
  await gone
  clearTimeout(timer)
}
