import { describe, expect, test } from 'vitest'
import { seeded } from '../../src/kit/random.ts'
import { minimised, narrow, openPair } from './differential/pair.ts'
import { randomScript } from './differential/script.ts'
import { hasMosquitto } from './mosquitto.ts'

/** Ours beside Debian's mosquitto. What the standard leaves open, and where mosquitto doesn't follow it, is in named cases. */
const scale = Math.max(1, Number(process.env.ESPALIER_TEST_SCALE ?? 1))
/** 2,000 in CI, 100,000 in the long run. */
const total = scale >= 10 ? 10_000 * scale : 2_000 * scale
const side = 32

describe.skipIf(!hasMosquitto)('beside mosquitto', () => {
  test.each([
    ['wide', 1_000],
    ['narrow', narrow],
  ])('random scripts with a %s window: every client sees the same', { timeout: 5_400_000 }, async (_name, window) => {
    const seed = Number(process.env.ESPALIER_SEED ?? 20261124)
    const pair = await openPair(window)
    let next = 0
    const failures: { number: number; first: string[] }[] = []
    const lane = async (): Promise<void> => {
      while (next < total / 2 && failures.length === 0) {
        const number = next++
        const first = await pair.compare(randomScript(seeded(seed + number)))
        if (first.length > 0) failures.push({ number, first })
      }
    }
    await Promise.all(Array.from({ length: side }, lane))
    for (const { number, first } of failures.slice(0, 1)) {
      const script = randomScript(seeded(seed + number))
      const least = await minimised(script, pair)
      const found = await pair.compare(least)
      expect.fail(
        `ESPALIER_SEED=${seed + number}\n${least.map(step => JSON.stringify(step)).join('\n')}\nours / mosquitto\n${found.join('\n')}\nat first\n${first.join('\n')}`,
      )
    }
  })
})
