import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** 1,000 virtual nodes at one message a second for a minute, over real MQTT connections, against a real `up`: acknowledged = stored,
 *  memory that does not grow, CPU a message. ESPALIER_BENCH_NODES and _SECONDS change the size. */
const nodes = Number(process.env.ESPALIER_BENCH_NODES ?? 1000)
const seconds = Number(process.env.ESPALIER_BENCH_SECONDS ?? 60)
const main = join(process.env.ESPALIER_REPO ?? '.', 'dist/cli/main.js')

interface Sample {
  readonly rssMb: number
  readonly cpuS: number
}

/** proc(5): utime and stime are fields 14 and 15 of stat, in ticks of 10 ms. */
async function sample(pid: number): Promise<Sample> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
  const rssKb = Number((await readFile(`/proc/${pid}/status`, 'utf8')).match(/VmRSS:\s+(\d+)/)![1])
  return { rssMb: rssKb / 1024, cpuS: (Number(fields[11]) + Number(fields[12])) / 100 }
}

/** Bytes that reached the block device below `path`, by whoever: the machine must be quiet. (/proc/PID/io counts whole folios of the page
 *  cache and says a hundred times as much for a preallocated file.) undefined where the device is not told. */
async function deviceBytes(path: string): Promise<number | undefined> {
  const { dev } = await stat(path)
  const line = (await readFile('/proc/diskstats', 'utf8')).split('\n').map(l => l.trim().split(/\s+/))
  const sectors = line.find(([major, minor]) => Number(major) === (dev >> 8) % 4096 && Number(minor) === dev % 256)?.[9]
  return sectors === undefined ? undefined : Number(sectors) * 512
}

const afterS = (s: number): Promise<void> => new Promise(done => setTimeout(done, s * 1000))

export async function bench(): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'espalier-bench-'))
  const server = spawn(
    process.execPath,
    [main, 'up', '--json', '--data', data, '--sim', '0', '--mqtt-port', '0', '--http-port', '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  try {
    const ready = JSON.parse(await new Promise<string>(done => createInterface({ input: server.stdout }).once('line', done)))
    const idle = await sample(server.pid!)
    const writtenBefore = await deviceBytes(data)
    const fleet = spawn(
      process.execPath,
      [
        main,
        'simulate',
        '--broker',
        `mqtt://127.0.0.1:${ready.mqtt.port}`,
        '--nodes',
        String(nodes),
        '--rate',
        '1/s',
        '--for',
        `${seconds}s`,
        '--json',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    let text = ''
    fleet.stdout.setEncoding('utf8').on('data', chunk => (text += chunk))
    const over = new Promise<number | null>(done => fleet.once('exit', done))
    await afterS(Math.min(20, seconds / 3))
    const early = await sample(server.pid!)
    const sim = sample(fleet.pid!)
    await afterS(seconds - Math.min(20, seconds / 3) - 1)
    const late = await sample(server.pid!)
    const simLate = await sample(fleet.pid!)
    await over
    const writtenAfter = await deviceBytes(data)
    const report = JSON.parse(text)
    const token = (await readFile(join(data, 'token'), 'utf8')).trim()
    const list = async (cursor: string | null): Promise<number> => {
      const url = `http://127.0.0.1:${ready.http.port}/api/nodes?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`
      const page = (await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).json()) as {
        items: { stored: number }[]
        next: string | null
      }
      return page.items.reduce((sum, node) => sum + node.stored, 0) + (page.next ? await list(page.next) : 0)
    }
    const stored = await list(null)
    const perMessage = ((late.cpuS - early.cpuS) * 1e6) / Math.max(1, nodes * (seconds - Math.min(20, seconds / 3) - 1))
    console.table({
      nodes,
      seconds,
      attempted: report.attempted,
      acknowledged: report.acknowledged,
      receipted: report.receipted,
      stored,
      'acknowledged = stored': report.acknowledged === stored,
      'RSS idle MB': idle.rssMb.toFixed(0),
      'RSS at 20 s MB': early.rssMb.toFixed(0),
      'RSS at the end MB': late.rssMb.toFixed(0),
      'RSS end / 20 s': (late.rssMb / early.rssMb).toFixed(3),
      'server CPU µs a message': perMessage.toFixed(1),
      'simulator CPU µs a message (the peer on the same socket)': (
        ((simLate.cpuS - (await sim).cpuS) * 1e6) /
        Math.max(1, nodes * (seconds - Math.min(20, seconds / 3) - 1))
      ).toFixed(1),
      'device bytes a reading':
        writtenBefore === undefined ? 'not told' : Math.round((writtenAfter! - writtenBefore) / report.acknowledged),
    })
    if (report.acknowledged !== stored) throw new Error(`acknowledged ${report.acknowledged}, stored ${stored}`)
  } finally {
    const gone = new Promise(done => server.once('exit', done))
    server.kill('SIGTERM')
    await gone
    await rm(data, { recursive: true, force: true })
  }
}
