import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData } from '../espalier.ts'
import { buildProgram, compilerThere, run } from './build.ts'

/** The ring of the firmware against a manager of a test's own, on a virtual clock: a day without a broker, a power cut at every write of
 *  flash in all six ways, a full ring that turns over. What a program promises it holds itself: it ends with BROKEN where it is not so. */
const minutes = 60_000
/** Every how manieth write is cut where a run is long. */
const every = Number(process.env['ESPALIER_TEST_SCALE'] ?? 1) > 1 ? 1 : 3

describe.skipIf(!compilerThere)('the ring of the firmware', () => {
  let dir: string
  let remove: () => Promise<void>
  beforeAll(async () => {
    ;({ dir, remove } = await temporaryData())
  })
  afterAll(() => remove())

  const told = async (name: string, ...args: number[]): Promise<Record<string, number>> => {
    const program = await buildProgram(name, join(dir, name))
    const { stdout } = await run(program, args.map(String)).catch(error => ({ stdout: `${error.stdout}${error.stderr}` }))
    expect(stdout).toMatch(/^\{.*\}\n$/)
    return JSON.parse(stdout)
  }

  test('brings a day without a broker, each reading with its own time', { timeout: 5 * minutes }, async () => {
    const day = await told('ring_outage')
    expect(day).toMatchObject({ missing: 0, dropped: 0, booked_lost: 0, twice: 0, held_after_outage: 8_640, held_at_end: 0 })
    expect(day['taken']).toBe(day['arrived'])
    expect(day['most_a_second']).toBeLessThanOrEqual(4)
    expect(day['longest_live_ms']).toBeLessThanOrEqual(2_000)
    expect(day['bytes_a_reading']).toBeLessThanOrEqual(24)
    expect(day['ram_bytes']).toBeLessThanOrEqual(12 * 1024)
    // One erase of a segment a day, one append a reading.
    expect(day['most_erases_of_one']).toBeLessThanOrEqual(1)
    expect(day['appends']! + day['erases']!).toBeLessThanOrEqual(8_640)
  })

  test.each([40, 1_000])(
    'of %i readings loses exactly what it reports, and so says the ledger',
    { timeout: 5 * minutes },
    async limit => {
      const day = await told('ring_outage', limit)
      expect(day['missing']).toBe(day['dropped'])
      expect(day['missing']).toBe(day['booked_lost'])
      // Those of the outage beyond its room, and the live ones that pushed some out before they had drained.
      expect(day['missing']).toBeGreaterThanOrEqual(8_640 - limit)
      expect(day['missing']).toBeLessThanOrEqual(8_640 - limit + 10)
    },
  )

  test('loses the last five seconds at most, and changes no reading, wherever power is cut', {
    timeout: 5 * minutes,
  }, async () => {
    const all = await told('ring_cuts')
    expect(all['writes']).toBeGreaterThan(80)
    expect(all['runs']).toBe(6 * all['writes']!)
    expect(all['dropped']).toBe(0)
  })

  test('and small and cut, it counts what it dropped', { timeout: 5 * minutes }, async () => {
    const small = await told('ring_cuts', 30, every)
    expect(small['dropped']).toBeGreaterThan(0)
  })

  test('and full and cut, to the reading', { timeout: 5 * minutes }, async () => {
    const full = await told('ring_overwrite', every)
    expect(full['most_dropped']).toBeGreaterThan(0)
    expect(full['runs']).toBeGreaterThan(20)
  })

  test('brings what lives of chance took, however the broker forgets', { timeout: 5 * minutes }, async () => {
    const lives = await told('ring_soak', 1, 100 * Number(process.env['ESPALIER_TEST_SCALE'] ?? 1))
    expect(lives['arrived']).toBeGreaterThan(50_000)
  })
})
