import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { wire } from '../wire.ts'

/** A data directory that rotted while the house was stopped: it starts all the same, names what is damaged where a person looks, and
 *  serves everything else. */
let data: Awaited<ReturnType<typeof temporaryData>>
let running: Up[] = []
beforeEach(async () => {
  data = await temporaryData()
})
afterEach(async () => {
  for (const house of running) await house.kill()
  running = []
  await data.remove()
})

async function start(...flags: string[]): Promise<Up> {
  const house = await up(data.dir, ...flags)
  running.push(house)
  return house
}

const firstMs = Date.UTC(2026, 0, 5)
const dayMs = 86_400_000
const weekRows = 500

/** `count` readings from seq `from` on, 500 to a week, so that each week has a file of its own. */
async function publish(house: Up, from: number, count: number): Promise<void> {
  const at = await wire(house.run.mqtt, `publisher-${from}`)
  const all: Promise<void>[] = []
  for (let seq = from; seq < from + count; seq++)
    all.push(
      at.publish(
        'iot/node/d1/telemetry',
        JSON.stringify({ node_id: 'node_d1', timestamp: timeOf(seq) / 1000, sensors: { v: seq, w: seq / 3 }, boot: 3, seq }),
      ),
    )
  await Promise.all(all)
  at.end()
}
const timeOf = (seq: number): number => firstMs + Math.floor(seq / weekRows) * 7 * dayMs + (seq % weekRows)

async function storedSeqs(house: Up): Promise<number[]> {
  const exported = await house.cli('export', '--format', 'jsonl')
  expect(exported).toMatchObject({ code: 0, stderr: '' })
  return exported.lines().map(row => {
    expect(row).toEqual({ time: timeOf(row.seq), node: 'd1', boot: 3, seq: row.seq, fields: { v: row.seq, w: row.seq / 3 } })
    return row.seq
  })
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, seq) => seq)

function flip(path: string, place: (size: number) => number): void {
  const file = openSync(path, 'r+')
  const at = place(fstatSync(file).size)
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, at)
  byte[0] = byte[0]! ^ 0x10
  writeSync(file, byte, 0, 1, at)
  closeSync(file)
}

/** Asks until health names the damage: files are checked in the background. */
const healthThatSays = (house: Up, what: RegExp) =>
  until(`a health that says ${what}`, async () => {
    const { body } = await house.api('/healthz')
    return what.test(body.checks.store.detail) ? body : undefined
  })

async function writesOn(house: Up, from: number): Promise<void> {
  await publish(house, from, 50)
  const seqs = await storedSeqs(house)
  expect(seqs.slice(-50)).toEqual(upTo(50).map(i => from + i))
}

describe('a byte flipped in a Parquet file', () => {
  test('the file is found, named and set aside, and all others are served', async () => {
    const first = await start('--seal-rows', '500')
    for (const week of [0, 1, 2]) await publish(first, week * weekRows, weekRows)
    const raw = join(data.dir, 'readings/raw')
    const ofWeeks = await until('a file for each week', async () => {
      const names = readdirSync(raw).sort()
      const weeks = new Set(names.map(name => name.slice(0, 'week-2026-01-05'.length)))
      return weeks.size === 3 ? names : undefined
    })
    expect(await first.stop()).toBe(0)
    const names = readdirSync(raw).filter(name => name.startsWith(ofWeeks[0]!.slice(0, 15)))
    for (const name of names) flip(join(raw, name), size => Math.floor(size / 3))

    const house = await start('--seal-rows', '500')
    expect((await house.api('/api/nodes/d1')).body.last).toEqual({ v: 1499, w: 1499 / 3 })
    // Checked within 10 s of the start, or by the first question that trips over it; an answer before that is served without it.
    const told = await healthThatSays(house, /damaged/)
    expect(told.status).toBe('degraded')
    for (const name of names) expect(told.checks.store.detail).toContain(name)
    expect(told.checks.store.detail).toMatch(/set aside.*backup/)
    expect(await storedSeqs(house)).toEqual(upTo(1500).slice(weekRows))
    expect(readdirSync(join(data.dir, 'readings/quarantine')).sort()).toEqual(names.sort())
    expect(house.stderr()).toContain(names[0])
    const range = await house.api(`/api/nodes/d1/readings?sensor=v&from=${firstMs}&to=${firstMs + 30 * dayMs}&points=5000`)
    expect(range.body.series.v.count.reduce((a: number, b: number) => a + b)).toBe(1000)
    await writesOn(house, 1500)
    expect(await house.stop()).toBe(0)

    const again = await start()
    expect((await healthThatSays(again, /damaged/)).status).toBe('degraded') // it is not forgotten
    expect(await again.stop()).toBe(0)
  })
})

describe('a damaged journal', () => {
  const segment = () => {
    const dir = join(data.dir, 'journal')
    return join(dir, readdirSync(dir).sort()[0]!)
  }
  /** Where the last batch ends. */
  const usedBytes = (): number => {
    const bytes = readFileSync(segment())
    let end = bytes.length
    while (bytes[end - 1] === 0) end--
    return end
  }

  /** Killed, so that the journal is all there is of the readings. */
  async function killedAfter(count: number): Promise<void> {
    const house = await start()
    for (let seq = 0; seq < count; seq += 20) await publish(house, seq, 20)
    await house.kill()
  }

  test('cut at its end: what lies before is served, and it goes on', async () => {
    await killedAfter(400)
    truncateSync(segment(), usedBytes() - 7)
    const house = await start()
    const seqs = await storedSeqs(house)
    expect(seqs).toEqual(upTo(seqs.length))
    expect(seqs.length).toBeGreaterThanOrEqual(360)
    expect(seqs.length).toBeLessThan(400)
    expect(house.stderr()).toMatch(/journal/)
    await writesOn(house, seqs.length)
    expect(await house.stop()).toBe(0)
  })

  test('a byte flipped in its middle: health names the rot, everything around it is served', async () => {
    await killedAfter(400)
    const middle = Math.floor(usedBytes() / 2)
    flip(segment(), () => middle)
    const house = await start()
    const seqs = await storedSeqs(house)
    expect(seqs.length).toBeGreaterThanOrEqual(360)
    expect(seqs.length).toBeLessThan(400)
    expect(seqs.slice(0, 100)).toEqual(upTo(100))
    expect(seqs.at(-1)).toBe(399)
    const { body } = await house.api('/healthz')
    expect(body.status).toBe('degraded')
    expect(body.checks.store.detail).toMatch(/journal is damaged \(segment 1 at \d+, \d+ bytes\)/)
    const ledger = (await house.cli('ledger', 'd1', '--json')).json()[0]
    expect(ledger).toMatchObject({ stored: seqs.length, missing: 400 - seqs.length })
    await writesOn(house, 400)
    expect(await house.stop()).toBe(0)
  })
})

describe('damaged small state', () => {
  test('broker sessions and retained messages: set aside with an alarm, everything else goes on', async () => {
    const first = await start()
    await publish(first, 0, 100)
    expect(await first.stop()).toBe(0)
    for (const name of readdirSync(join(data.dir, 'broker')))
      if (/^(CURRENT|MANIFEST|\d+\.log)/.test(name)) writeFileSync(join(data.dir, 'broker', name), Buffer.alloc(200, 0xa5))
    const house = await start()
    expect(house.stderr()).toMatch(/broker sessions and retained messages were damaged: moved to \S+broker\.damaged-\d+/)
    expect(await storedSeqs(house)).toEqual(upTo(100))
    await writesOn(house, 100)
    expect(await house.stop()).toBe(0)
  })

  test('records: named in health, nodes that speak are known again, readings are untouched', async () => {
    const first = await start()
    await publish(first, 0, 100)
    expect(await first.stop()).toBe(0)
    const records = join(data.dir, 'records')
    for (const name of readdirSync(records))
      if (/\.(ldb|log)$|^MANIFEST|^CURRENT/.test(name)) writeFileSync(join(records, name), Buffer.alloc(300, 0x5a))
    const house = await start()
    expect(house.stderr()).toMatch(/records/)
    const told = (await house.api('/healthz')).body
    expect(told.status).toBe('degraded')
    expect(told.checks.store.detail).toMatch(/records .*(damaged|repaired)/)
    expect(await storedSeqs(house)).toEqual(upTo(100))
    await writesOn(house, 100)
    expect((await house.cli('nodes', '--json')).json().map((node: { id: string }) => node.id)).toEqual(['d1'])
    const shown = await house.cli('broker')
    expect(shown.code).toBe(0)
    expect(await house.stop()).toBe(0)
  })
})
