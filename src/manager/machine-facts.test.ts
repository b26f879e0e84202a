import { expect, test } from 'vitest'
import { ManualClock } from '../kit/clock.ts'
import { availableBytes, celsius, cpuTimes, machineReader, netBytes } from './machine-facts.ts'

test('cpu times count iowait as idle', () => {
  expect(cpuTimes('cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 1 2 3 4\n')).toEqual({ busy: 150, all: 1000 })
  expect(cpuTimes(null)).toBeNull()
})

test('network bytes leave loopback out', () => {
  const dev =
    'Inter-|   Receive  |\n face |bytes packets\n    lo: 999 1 0 0 0 0 0 0 999 1\n  eth0: 10 1 0 0 0 0 0 0 20 1 0\n wlan0:  5 1 0 0 0 0 0 0  7 1 0\n'
  expect(netBytes(dev, 4)).toEqual({ rx: 15, tx: 27, at: 4 })
})

test('memory and temperature are null where the system does not tell', () => {
  expect(availableBytes('MemTotal: 5 kB\nMemAvailable:   2 kB\n')).toBe(2048)
  expect(availableBytes('')).toBeNull()
  expect(celsius('48312\n')).toBe(48.3)
  expect(celsius(null)).toBeNull()
})

test('rates are null at the first reading and numbers at the second', async () => {
  const clock = new ManualClock()
  const read = machineReader('/', clock)
  expect((await read()).net_rx_bytes_s).toBeNull()
  clock.advance(1000)
  const second = await read()
  expect(second.net_rx_bytes_s).toBeGreaterThanOrEqual(0)
  expect(second.disk_free_bytes).toBeGreaterThan(0)
  expect(second.rss_bytes).toBeGreaterThan(1e6)
})
