import { readFile, statfs } from 'node:fs/promises'
import type { Clock } from '../kit/clock.ts'

/** What the machine says of itself, for iot/broker/status (wire contract §7). null where the system does not tell. */
export interface MachineFacts {
  readonly cpu_percent: number | null
  readonly rss_bytes: number
  readonly mem_free_bytes: number | null
  readonly disk_free_bytes: number | null
  readonly disk_total_bytes: number | null
  readonly temperature_c: number | null
  readonly net_rx_bytes_s: number | null
  readonly net_tx_bytes_s: number | null
}

/** Reads /proc and /sys; rates are of the time since the previous call, null at the first one. */
export function machineReader(dataDir: string, clock: Clock): () => Promise<MachineFacts> {
  let cpu: { busy: number; all: number } | null = null
  let net: { rx: number; tx: number; at: number } | null = null
  return async () => {
    const cpuNow = cpuTimes(await text('/proc/stat'))
    const netNow = netBytes(await text('/proc/net/dev'), clock.monoMs())
    const seconds = net && netNow ? (netNow.at - net.at) / 1000 : 0
    const disk = await statfs(dataDir).catch(() => null)
    const facts: MachineFacts = {
      cpu_percent:
        cpu && cpuNow && cpuNow.all > cpu.all ? round((100 * (cpuNow.busy - cpu.busy)) / (cpuNow.all - cpu.all), 1) : null,
      rss_bytes: process.memoryUsage.rss(),
      mem_free_bytes: availableBytes(await text('/proc/meminfo')),
      disk_free_bytes: disk ? disk.bavail * disk.bsize : null,
      disk_total_bytes: disk ? disk.blocks * disk.bsize : null,
      temperature_c: celsius(await text('/sys/class/thermal/thermal_zone0/temp')),
      net_rx_bytes_s: net && netNow && seconds > 0 ? Math.round((netNow.rx - net.rx) / seconds) : null,
      net_tx_bytes_s: net && netNow && seconds > 0 ? Math.round((netNow.tx - net.tx) / seconds) : null,
    }
    cpu = cpuNow
    net = netNow
    return facts
  }
}

const text = (file: string): Promise<string | null> => readFile(file, 'utf8').catch(() => null)
const round = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits

/** The first line of /proc/stat: user nice system idle iowait irq softirq steal (proc(5)). */
export function cpuTimes(stat: string | null): { busy: number; all: number } | null {
  const times = stat
    ?.match(/^cpu +(.*)$/m)?.[1]
    ?.split(' ')
    .slice(0, 8)
    .map(Number)
  if (!times || times.length < 5) return null
  const all = times.reduce((sum, t) => sum + t, 0)
  return { busy: all - times[3]! - times[4]!, all }
}

/** Sums /proc/net/dev over all interfaces but loopback. */
export function netBytes(dev: string | null, at: number): { rx: number; tx: number; at: number } | null {
  if (!dev) return null
  let rx = 0
  let tx = 0
  for (const line of dev.split('\n')) {
    const [name, rest] = line.split(':')
    if (!rest || name!.trim() === 'lo') continue
    const columns = rest.trim().split(/\s+/).map(Number)
    rx += columns[0] ?? 0
    tx += columns[8] ?? 0
  }
  return { rx, tx, at }
}

export function availableBytes(meminfo: string | null): number | null {
  const kib = meminfo?.match(/^MemAvailable: +(\d+) kB$/m)?.[1]
  return kib ? Number(kib) * 1024 : null
}

/** Millidegrees in sysfs; absent on most virtual machines. */
export function celsius(temp: string | null): number | null {
  const value = temp === null ? Number.NaN : Number(temp.trim())
  return Number.isFinite(value) && temp!.trim() !== '' ? round(value / 1000, 1) : null
}
