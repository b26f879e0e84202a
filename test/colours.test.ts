import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

/** The console's colours. WCAG 2.2, 1.4.3: 4.5:1 for text, in both themes, on every ground that it is set on. */
const css = readFileSync(fileURLToPath(new URL('../console/src/style/tokens.css', import.meta.url)), 'utf8')
const tokens = new Map(
  [...css.matchAll(/--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(m => [m[1]!, [m[2]!, m[3]!] as const]),
)

const words = ['text', 'dim', 'accent', 'ok', 'warn', 'bad', 'info']
const pairs = [
  ...words.flatMap(word => ['surface', 'bg', 'sunken'].map(ground => [word, ground] as const)),
  // A value that just changed; the main button; the bar that tells of the connection.
  ...(['text', 'dim'] as const).map(word => [word, 'flash'] as const),
  ['on-accent', 'accent'] as const,
  ['surface', 'warn'] as const,
  ['surface', 'ok'] as const,
]

test.each(pairs)('%s can be read on %s', (word, ground) => {
  for (const theme of [0, 1] as const)
    expect(contrast(tokens.get(word)![theme], tokens.get(ground)![theme])).toBeGreaterThanOrEqual(4.5)
})

test('a line of the chart stands out from its ground (1.4.11: 3:1)', () => {
  const lines = [...tokens].filter(([name]) => name.startsWith('chart-'))
  expect(lines).toHaveLength(8)
  for (const [, [light, dark]] of lines) {
    expect(contrast(light, tokens.get('surface')![0])).toBeGreaterThanOrEqual(3)
    expect(contrast(dark, tokens.get('surface')![1])).toBeGreaterThanOrEqual(3)
  }
})

function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x)
  return (high! + 0.05) / (low! + 0.05)
}

function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map(at => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!
}
