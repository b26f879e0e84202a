import { age } from '../format.ts'

/** What a board's status says, in words. Pure. */
const bootReasons: Readonly<Record<string, string>> = {
  power_on: 'power came on',
  poweron: 'power came on',
  external: 'reset pin or button',
  software: 'restarted by its own software',
  panic: 'crashed',
  int_wdt: 'hung in an interrupt, the watchdog restarted it',
  task_wdt: 'hung in a task, the watchdog restarted it',
  wdt: 'hung, a watchdog restarted it',
  deep_sleep: 'woke from sleep',
  deepsleep: 'woke from sleep',
  brownout: 'the voltage sagged: look at its supply',
}

export const bootReason = (reason: string): string => bootReasons[reason.toLowerCase().replaceAll(' ', '_')] ?? reason

const names: Readonly<Record<string, string>> = {
  ip: 'address',
  free_heap: 'free memory',
  backlog: 'readings waiting on the board',
  dropped: 'readings the board had to drop',
  keep: 'keeps a reading until',
  caps: 'can',
  config_rev: 'configuration',
  wake_in: 'wakes in',
  boot: 'boot number',
}

// Said in the header, or of no use to whoever looks.
const elsewhere = new Set(['node_id', 'online', 'sensors', 'interval', 'board', 'virtual', 'wifi_rssi', 'firmware', 'outputs'])

/** Name and text of each thing worth reading, in the board's own order. */
export function statusLines(status: Readonly<Record<string, unknown>>): (readonly [name: string, text: string])[] {
  return Object.entries(status)
    .filter(([key, value]) => !elsewhere.has(key) && value !== null && value !== undefined)
    .map(([key, value]) => [names[key] ?? key.replaceAll('_', ' '), textOf(key, value)])
}

function textOf(key: string, value: unknown): string {
  if (key === 'reset_reason' && typeof value === 'string') return bootReason(value)
  if (key === 'timestamp' && typeof value === 'number') return new Date(value * 1000).toLocaleString()
  if ((key === 'uptime' || key === 'wake_in') && typeof value === 'number') return age(value * 1000)
  if (key === 'free_heap' && typeof value === 'number') return `${Math.round(value / 1024)} KiB`
  if (Array.isArray(value) && value.every(one => typeof one === 'string')) return value.join(', ')
  return typeof value === 'string' ? value : JSON.stringify(value)
}
