import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decodeTelemetry } from '../../src/contract/decode.ts'
import { limits } from '../../src/contract/limits.ts'
import { reservedNames } from '../../src/contract/reserved-names.ts'
import { temporaryData } from '../espalier.ts'
import { buildProgram, compilerThere } from './build.ts'

/** Whatever a node lives through, each message of telemetry it sends is the contract's, and says the readings as they were taken: judged by
 *  the reference decoder. */
describe.skipIf(!compilerThere)('the firmware encodes', () => {
  let node: ChildProcessWithoutNullStreams
  let remove: () => Promise<void>
  const waiting: ((answer: string) => void)[] = []

  beforeAll(async () => {
    const data = await temporaryData()
    remove = data.remove
    node = spawn(await buildProgram('encode', data.dir))
    createInterface({ input: node.stdout }).on('line', line => waiting.shift()!(line))
    let said = ''
    node.stderr.setEncoding('utf8').on('data', text => (said += text))
    node.on('exit', () => waiting.splice(0).forEach(answer => void answer(`crashed ${said}`)))
  }, 120_000)
  afterAll(async () => {
    node.stdin.end()
    await remove()
  })

  const messagesOf = async (script: readonly string[]): Promise<Buffer[]> => {
    const line = await new Promise<string>(done => {
      waiting.push(done)
      node.stdin.write(`${script.join('\n')}\ndone\n`)
    })
    expect(line).toMatch(/^([0-9a-f]+ )*$/)
    return line
      .split(' ')
      .filter(Boolean)
      .map(hex => Buffer.from(hex, 'hex'))
  }

  const name = fc.stringMatching(/^[a-z][a-z0-9_]{0,31}$/).filter(text => !(reservedNames as readonly string[]).includes(text))
  const columns = fc.uniqueArray(fc.record({ name, decimals: fc.nat(6) }), { selector: c => c.name, minLength: 1, maxLength: 8 })
  const value = fc.oneof(
    fc.double({ min: -40, max: 85, noNaN: true }),
    fc.double({ min: -3e9, max: 3e9, noNaN: true }),
    fc.double(),
    fc.constantFrom(0, -0, 0.5, -0.5, 1.005, 2147.483, Number.NaN, 1e300),
  )
  const event = fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant('take'),
        ms: fc.nat(12_000),
        rssi: fc.integer({ min: -128, max: 0 }),
        values: fc.array(value, { minLength: 8, maxLength: 8 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('connect') }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('disconnect') }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('boot'), boot: fc.integer({ min: 0, max: 0xff_ff_ff_ff }), knows: fc.boolean() }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('clock'), ms: fc.integer({ min: -20_000, max: 20_000 }) }) },
  ) as fc.Arbitrary<any>
  const life = fc.record({
    id: fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/),
    room: fc.integer({ min: 900, max: 65_536 }),
    intervalMs: fc.constantFrom(100, 1_000, 10_000),
    columns,
    events: fc.array(event, { minLength: 1, maxLength: 80 }),
  })

  /** To the nearest 10^-decimals, half away from zero; null where the firmware has no number for it. */
  const rounded = (x: number, decimals: number): number | null => {
    const scale = 10 ** decimals
    const wide = x * scale
    if (!(wide > -2_147_483_000 && wide < 2_147_483_000)) return null
    const whole = Math.trunc(wide)
    const rest = wide - whole
    return (whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0)) / scale + 0
  }

  test('any life as the reference reads it', { timeout: 300_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(life, async ({ id, room, intervalMs, columns, events }) => {
        const start = 1_704_844_800_000
        const script = [`life ${id} ${room} ${intervalMs}`, ...columns.map(c => `column ${c.name} ${c.decimals}`)]
        const taken = new Map<string, { values: (number | null)[]; rssi: number; datable: boolean; own: Set<string> }>()
        const boots = new Set<number>()
        let boot = 7
        let seq = 0
        let told = false
        let ofBoot: string[] = []
        const begin = (as: number): void => {
          boots.add(as)
          boot = as
          seq = 0
          ofBoot = []
          script.push(`boot ${as}`)
        }
        const knows = (): void => {
          for (const key of ofBoot) taken.get(key)!.datable = true
        }
        begin(7)
        for (const e of events) {
          if (e.kind === 'take') {
            const values = e.values.slice(0, columns.length) as number[]
            script.push(
              `take ${e.ms} ${e.rssi} ${values.map(v => (Number.isNaN(v) ? 'nan' : String(v).replace('Infinity', 'inf'))).join(' ')}`,
            )
            const key = `${boot}:${seq++}`
            ofBoot.push(key)
            taken.set(key, {
              values: values.map((v, i) => rounded(v, columns[i]!.decimals)),
              rssi: e.rssi,
              datable: told,
              own: new Set(),
            })
            if (told) knows()
          } else if (e.kind === 'clock') {
            script.push(`clock ${start + e.ms + script.length * 60_000}`)
            told = true
            knows()
          } else if (e.kind === 'boot') {
            if (boots.has(e.boot)) continue
            if (!e.knows) script.push('clock 0')
            told = told && e.knows
            begin(e.boot)
          } else script.push(e.kind)
        }
        script.push(`clock ${start + script.length * 60_000}`, 'connect', 'drain')
        knows()

        const times = new Map<number, string>()
        for (const payload of await messagesOf(script)) {
          expect(payload.length).toBeLessThanOrEqual(room)
          const message = decodeTelemetry(payload, { topicNode: id, now: start, clockSuspect: true })
          if (!message.ok) throw new Error(`${JSON.stringify(message)}: ${payload}`)
          expect(message).toMatchObject({ rejects: [], ignoredKeys: 0 })
          expect(message.oldest).not.toBeNull()
          expect(message.readings.length).toBeLessThanOrEqual(limits.readings)
          for (const reading of message.readings) {
            const key = `${message.boot}:${message.firstSeq! + reading.index}`
            const wanted = taken.get(key)!
            const got = new Map(reading.names.map((n, i) => [n, reading.values[i]]))
            for (const [i, column] of columns.entries()) expect(got.get(column.name) ?? null).toBe(wanted.values[i])
            expect(got.get('wifi_rssi') ?? 0).toBe(wanted.rssi)
            wanted.own.add(`${reading.time}`)
            expect(times.get(reading.time!) ?? key).toBe(key)
            times.set(reading.time!, key)
          }
        }
        for (const [key, { datable, own }] of taken) expect([key, own.size]).toEqual([key, datable ? 1 : 0])
      }),
      { numRuns: 1_000 * Number(process.env['ESPALIER_TEST_SCALE'] ?? 1) },
    )
  })
})
