import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { hasMosquitto, startMosquitto } from '../test/broker/mosquitto.ts'
import { cpuSeconds, residentBytes } from '../test/broker/processes.ts'
import type { Load, LoadResult } from './broker/load.ts'

/** Our subscriber of mosquitto, which acknowledges after its journal's fsync, beside a plain mqtt.js one that keeps nothing and the most
 *  that mosquitto hands to a subscriber at all, in one run: messages a second until everything has come, CPU of the subscriber,
 *  what never came. ESPALIER_BENCH_SECONDS (3) a row. */
const seconds = Number(process.env['ESPALIER_BENCH_SECONDS'] ?? 3)
const pinned = spawnSync('taskset', ['-c', '1', 'true']).status === 0

const rows: { name: string; load: Omit<Load, 'port' | 'seconds'> }[] = [
  { name: 'QoS 1, 20 × window 20', load: { publishers: 20, qos: 1, window: 20, subscriber: false } },
  { name: 'QoS 1, 1,000 × window 1', load: { publishers: 1_000, qos: 1, window: 1, subscriber: false } },
]

export async function bench(): Promise<void> {
  if (!hasMosquitto) return console.log('mosquitto is not installed')
  for (const { name, load } of rows) {
    const table: Record<string, Record<string, unknown>> = {}
    for (const kind of ['ours', 'mqttjs', 'ceiling']) table[kind] = await measure(kind, load)
    console.log(name)
    console.table(table)
  }
}

async function measure(kind: string, load: Omit<Load, 'port' | 'seconds'>) {
  const mosquitto = await startMosquitto(['persistence false', 'max_inflight_messages 1000', 'max_queued_messages 0'])
  if (pinned) spawnSync('taskset', ['-cp', '1', `${mosquitto.pid}`])
  const subscriber = fork('bench/ingest-mosquitto/subscriber.ts', 'run', kind, String(mosquitto.port))
  await told(subscriber, 'ready')
  const publishers = fork('bench/broker/load.ts', 'run', JSON.stringify({ ...load, port: mosquitto.port, seconds }))
  await told(publishers, 'begin')
  const began = performance.now()
  const cpu = cpuSeconds(subscriber.pid!)
  const mosquittoCpu = cpuSeconds(mosquitto.pid)
  const { sent } = (await told(publishers)) as LoadResult
  const { count, seconds: took } = await settled(subscriber, sent, began)
  const used = cpuSeconds(subscriber.pid!) - cpu
  const theirs = cpuSeconds(mosquitto.pid) - mosquittoCpu
  const mb = Math.round(residentBytes(subscriber.pid!) / 1e6)
  publishers.send('end')
  subscriber.disconnect()
  await Promise.all([publishers, subscriber].map(child => new Promise(resolve => child.once('exit', resolve))))
  await mosquitto.stop()
  return {
    'k/s': round(count / took / 1_000),
    'CPU s per 100k': round((used / count) * 100_000),
    'mosquitto CPU s per 100k': round((theirs / count) * 100_000),
    MB: mb,
    sent,
    'never came': sent - count,
  }
}

/** Until all came, or nothing more for 3 s. */
async function settled(subscriber: ChildProcess, sent: number, began: number): Promise<{ count: number; seconds: number }> {
  for (;;) {
    subscriber.send('?')
    const { count, sinceLastMs } = (await told(subscriber)) as { count: number; sinceLastMs: number }
    if (count >= sent || sinceLastMs > 3_000) return { count, seconds: (performance.now() - sinceLastMs - began) / 1_000 }
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

const round = (value: number): number => Math.round(value * 100) / 100

function fork(...args: string[]): ChildProcess {
  const command = [process.execPath, 'scripts/run-ts.mjs', ...args]
  const [first, ...rest] = pinned ? ['taskset', '-c', '0', ...command] : command
  return spawn(first!, rest, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** The next message of a child, or the next equal to `what`. */
function told(child: ChildProcess, what?: unknown): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('exit', code => reject(new Error(`a child ended with ${code}`)))
    child.on('message', message => {
      if (what === undefined || message === what) resolve(message)
    })
  })
}
