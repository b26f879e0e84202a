import type { Random } from '../kit/random.ts'

/** What a node measures: a name, its unit and range as the status message declares them. */
export interface SensorDeclaration {
  readonly name: string
  readonly unit: string
  readonly min?: number
  readonly max?: number
}

export interface Sample {
  readonly sensors: Readonly<Record<string, number>>
  /** dBm, whole. */
  readonly rssi: number
}

/** A source of believable values, decided by its seed and the times it is asked for. */
export interface Signals {
  readonly declared: readonly SensorDeclaration[]
  /** `wallMs` places the sample in the day; `elapsedS` is the time since the last one. */
  sample(wallMs: number, elapsedS: number): Sample
}

const dayS = 86_400
/** Warmest in the afternoon. */
const warmestS = 15 * 3_600

/** A room with a window: temperature follows the day, humidity goes against it, pressure wanders over hours, RSSI walks. Each
 *  node gets its own level, amplitude and phase. */
export function roomSignals(random: Random): Signals {
  const level = { temperature: 20 + random.normal() * 1.5, humidity: 50 + random.normal() * 6, rssi: -62 + random.normal() * 7 }
  const swing = 2 + random.next() * 2
  const phaseS = warmestS + random.normal() * 2_400
  const drift = wander(random, { sigma: 0.5, tauS: 3_600 })
  const damp = wander(random, { sigma: 2.5, tauS: 5_400 })
  const weather = wander(random, { sigma: 6, tauS: 6 * 3_600 })
  const fading = wander(random, { sigma: 4, tauS: 120 })
  return {
    declared: [
      { name: 'temperature', unit: '°C', min: -40, max: 85 },
      { name: 'humidity', unit: '%', min: 0, max: 100 },
      { name: 'pressure', unit: 'hPa', min: 870, max: 1_085 },
    ],
    sample(wallMs, elapsedS) {
      const day = Math.cos(((wallMs / 1_000 - phaseS) / dayS) * 2 * Math.PI)
      const warmth = swing * day + drift(elapsedS)
      // Warm air holds more water: about 4 points of relative humidity a degree at room temperature.
      const humidity = level.humidity - 4 * warmth + damp(elapsedS) + random.normal() * 0.15
      return {
        sensors: {
          temperature: rounded(level.temperature + warmth + random.normal() * 0.04, 2),
          humidity: rounded(Math.min(99, Math.max(5, humidity)), 1),
          pressure: rounded(1_014 + weather(elapsedS) + random.normal() * 0.05, 1),
        },
        rssi: Math.round(Math.min(-35, Math.max(-92, level.rssi + fading(elapsedS) + random.normal()))),
      }
    },
  }
}

/** A value that strays from 0 and comes back (Ornstein-Uhlenbeck): standard deviation `sigma`, memory of `tauS` seconds. */
function wander(random: Random, { sigma, tauS }: { sigma: number; tauS: number }): (elapsedS: number) => number {
  let x = random.normal() * sigma
  return elapsedS => {
    const kept = Math.exp(-Math.max(0, elapsedS) / tauS)
    x = x * kept + sigma * Math.sqrt(1 - kept * kept) * random.normal()
    return x
  }
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}
