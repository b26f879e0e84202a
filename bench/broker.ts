import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { hasMosquitto, startMosquitto } from '../test/broker/mosquitto.ts'
import { cpuSeconds, residentBytes } from '../test/broker/processes.ts'
import type { Load, LoadResult } from './broker/load.ts'

/** Our broker, which acknowledges after its journal's fsync, beside mosquitto and aedes, which acknowledge without any, in one run: the
 *  broker on one core and the load on another where taskset is there. Messages a second until everything has come, CPU, memory,
 *  latency, and what never came. Then what a frozen subscriber costs the others. ESPALIER_BENCH_SECONDS (3) a row;
 *  ESPALIER_BENCH_ROWS takes those whose name has this in it. */
const asked = process.env['ESPALIER_BENCH_ROWS'] ?? ''
const seconds = Number(process.env['ESPALIER_BENCH_SECONDS'] ?? 3)
const root = process.env['ESPALIER_REPO'] ?? '.'
const pinned = spawnSync('taskset', ['-c', '1', 'true']).status === 0

interface Server {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const rows: { name: string; aim: number | null; load: Omit<Load, 'port' | 'seconds'> }[] = [
  { name: 'QoS 1, 20 × window 20, subscriber', aim: 1, load: { publishers: 20, qos: 1, window: 20, subscriber: true } },
  { name: 'QoS 1, 1,000 × window 1, subscriber', aim: 1, load: { publishers: 1_000, qos: 1, window: 1, subscriber: true } },
  { name: 'QoS 1, 20 × window 20', aim: 1, load: { publishers: 20, qos: 1, window: 20, subscriber: false } },
  { name: 'QoS 1, 1,000 × window 1', aim: 0.65, load: { publishers: 1_000, qos: 1, window: 1, subscriber: false } },
  { name: 'QoS 1, 9,900 × window 1', aim: null, load: { publishers: 9_900, qos: 1, window: 1, subscriber: false } },
  { name: 'QoS 0, 20, subscriber', aim: 1, load: { publishers: 20, qos: 0, window: 1, subscriber: true } },
  { name: 'QoS 0, 1,000, subscriber', aim: 1, load: { publishers: 1_000, qos: 0, window: 1, subscriber: true } },
]

const servers: Record<string, () => Promise<Server>> = {
  ours: () => startChild('ours'),
  ...(hasMosquitto
    ? {
        mosquitto: async () => {
          // Our window. Its queue without bound: with its default of 1,000 it acknowledges and throws away what a busy subscriber
          // has no room for (55,905 of 62,040 in one run), and a message that never comes costs no time.
          const server = await startMosquitto(['persistence false', 'max_inflight_messages 2048', 'max_queued_messages 0'])
          if (pinned) spawnSync('taskset', ['-cp', '1', `${server.pid}`])
          return server
        },
      }
    : {}),
  aedes: () => startChild('aedes'),
}

export async function bench(): Promise<void> {
  for (const { name, aim, load } of rows.filter(({ name }) => name.includes(asked))) {
    const table: Record<string, Record<string, unknown>> = {}
    const rates: Record<string, number> = {}
    for (const [broker, start] of Object.entries(servers)) {
      const server = await start()
      const { rate, ...shown } = await measure(server, { ...load, port: server.port, seconds })
      await server.stop()
      rates[broker] = rate
      table[broker] = { 'k/s': round(rate / 1_000), ...shown }
    }
    const theirs = rates['mosquitto']
    console.log(name)
    console.table(table)
    if (theirs !== undefined && aim !== null) {
      const ratio = round(rates['ours']! / theirs)
      console.log(`ours : mosquitto = ${ratio} (aim ≥ ${aim}: ${ratio >= aim ? 'reached' : 'not reached'})\n`)
    }
  }
  if ('frozen'.includes(asked)) await frozen()
}

async function measure(server: Server, load: Load) {
  const child = startLoad(load)
  await told(child, 'begin')
  const idle = residentBytes(server.pid)
  const before = cpuSeconds(server.pid)
  const result = (await told(child)) as LoadResult
  const cpu = cpuSeconds(server.pid) - before
  const rss = residentBytes(server.pid)
  child.send('end')
  await new Promise(resolve => child.once('exit', resolve))
  const came = load.subscriber ? result.delivered : result.acknowledged
  return {
    rate: came / result.seconds,
    'CPU s per 100k': round((cpu / came) * 100_000),
    'p50 ms': result.p50,
    'p99 ms': result.p99,
    'MB connected': Math.round(idle / 1e6),
    'MB at the end': Math.round(rss / 1e6),
    sent: result.sent,
    'never came': result.sent - came,
  }
}

/** 100 subscribers that keep up, with and without one that reads nothing beside them, in turn. */
async function frozen(): Promise<void> {
  const table: Record<string, Record<string, unknown>> = {}
  for (const [broker, start] of Object.entries(servers)) {
    const server = await start()
    const child = fork('bench/broker/frozen.ts', 'run', String(server.port))
    const { alone, beside } = (await told(child)) as Record<'alone' | 'beside', { p99: number; missing: number }>
    table[broker] = {
      'p99 ms alone': round(alone!.p99),
      'p99 ms beside a frozen one': round(beside!.p99),
      ratio: round(beside!.p99 / alone!.p99),
      'never came': alone!.missing + beside!.missing,
      'MB at the end': Math.round(residentBytes(server.pid) / 1e6),
    }
    child.send('end')
    await new Promise(resolve => child.once('exit', resolve))
    await server.stop()
  }
  console.log('100 subscribers, 50 small messages a second to each (aim for ours: ratio ≤ 2)')
  console.table(table)
}

const round = (value: number): number => Math.round(value * 100) / 100
const startLoad = (load: Load): ChildProcess => fork('bench/broker/load.ts', 'run', JSON.stringify(load))

function fork(...args: string[]): ChildProcess {
  const command = [process.execPath, 'scripts/run-ts.mjs', ...args]
  const [first, ...rest] = pinned ? ['taskset', '-c', '0', ...command] : command
  return spawn(first!, rest, { cwd: root, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** The next message of a child, or the next equal to `what`. */
function told(child: ChildProcess, what?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`the load ended with ${code}`)))
    child.on('message', message => {
      if (what === undefined || message === what) resolve(message)
    })
  })
}

async function startChild(name: 'ours' | 'aedes'): Promise<Server> {
  const command = [process.execPath, 'scripts/run-ts.mjs', 'bench/broker/server.ts', name]
  const [first, ...rest] = pinned ? ['taskset', '-c', '1', ...command] : command
  const child = spawn(first!, rest, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const line = await new Promise<string>(resolve => createInterface({ input: child.stdout! }).once('line', resolve))
  const [port, pid] = line.split(' ').map(Number)
  return {
    port: port!,
    pid: pid!,
    async stop() {
      const gone = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await gone
    },
  }
}
