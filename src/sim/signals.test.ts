import { describe, expect, test } from 'vitest'
import { seeded } from '../kit/random.ts'
import { roomSignals } from './signals.ts'

const noonMs = Date.UTC(2026, 5, 1, 12)

/** Ten days of one node, a sample every ten minutes. */
function series(seed: number) {
  const signals = roomSignals(seeded(seed))
  return Array.from({ length: 1_440 }, (_, i) => signals.sample(noonMs + i * 600_000, 600))
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length
function correlation(a: number[], b: number[]): number {
  const [ma, mb] = [mean(a), mean(b)]
  const covariance = mean(a.map((x, i) => (x - ma) * (b[i]! - mb)))
  return covariance / Math.sqrt(mean(a.map(x => (x - ma) ** 2)) * mean(b.map(x => (x - mb) ** 2)))
}

describe('the signals of a room', () => {
  test('are the same for the same seed and others for another', () => {
    expect(series(1)).toEqual(series(1))
    expect(series(2)).not.toEqual(series(1))
  })

  test('follow the day: warmer in the afternoon than before dawn', () => {
    for (let seed = 1; seed <= 5; seed++) {
      const samples = series(seed)
      const at = (hour: number) =>
        mean(samples.filter((_, i) => (12 + Math.floor(i / 6)) % 24 === hour).map(s => s.sensors.temperature!))
      expect(at(15) - at(3)).toBeGreaterThan(2)
    }
  })

  test('have humidity go against temperature', () => {
    const samples = series(3)
    expect(
      correlation(
        samples.map(s => s.sensors.temperature!),
        samples.map(s => s.sensors.humidity!),
      ),
    ).toBeLessThan(-0.5)
  })

  test('stay in the ranges that are declared, and RSSI in what radios see', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { declared } = roomSignals(seeded(seed))
      for (const { sensors, rssi } of series(seed)) {
        for (const { name, min, max } of declared) {
          expect(sensors[name]).toBeGreaterThanOrEqual(min!)
          expect(sensors[name]).toBeLessThanOrEqual(max!)
        }
        expect(Number.isInteger(rssi)).toBe(true)
        expect(rssi).toBeGreaterThanOrEqual(-92)
        expect(rssi).toBeLessThanOrEqual(-35)
      }
    }
  })

  test('move in small steps from one second to the next', () => {
    const signals = roomSignals(seeded(4))
    let before = signals.sample(noonMs, 0)
    for (let i = 1; i < 1_000; i++) {
      const now = signals.sample(noonMs + i * 1_000, 1)
      expect(Math.abs(now.sensors.temperature! - before.sensors.temperature!)).toBeLessThan(0.4)
      before = now
    }
  })
})
