import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import { hasChromium } from '../chromium.ts'
import { mainFile, until } from '../espalier.ts'
import { barriers, card, houseOf, overflow, patient, phone, stories, valueOn } from './browser.ts'

const pages = [
  '/',
  '/nodes/sim-1',
  '/messages',
  '/commands',
  '/alerts',
  '/boards',
  '/firmware',
  '/machine',
  '/settings',
  '/reference',
]

describe.skipIf(!hasChromium)('every page', () => {
  const story = stories()
  const house = houseOf('--sim', '3')
  beforeAll(async () => {
    await house.up().cli('send', 'sim-1', 'read_now')
    await house.up().cli('pub', 'iot/node/bench/telemetry', '{"node_id":"node_bench","sensors":{"t":')
    await house.up().cli('pub', 'iot/node/bench/telemetry', '{"node_id":"node_bench","sensors":{"t":1}}')
  })

  const screens = [
    ['a phone, light', { ...phone, colorScheme: 'light' }],
    ['a phone, dark', { ...phone, colorScheme: 'dark' }],
    ['a wide screen, light', { viewport: { width: 1920, height: 1080 }, colorScheme: 'light' }],
    ['a wide screen, dark', { viewport: { width: 1920, height: 1080 }, colorScheme: 'dark' }],
  ] as const

  test.each(screens)('on %s keeps nobody out, is no wider than the screen, and does not jump', async (_, options) => {
    await story.enter(house.up(), '/', options)
    const page = story.page()
    await valueOn(page, 'sim-2', 'temperature').waitFor()
    for (const path of pages) {
      await page.goto(house.up().url + path)
      await page.locator('main h1').first().waitFor({ state: 'attached' })
      await expect.poll(() => page.locator('.waiting').count(), patient).toBe(0)
      expect([path, await overflow(page)]).toEqual([path, 0])
      expect([path, await barriers(page)]).toEqual([path, []])
      // A live list moves by what it is for.
      if (path !== '/messages') expect([path, Math.round((await story.visit().moved()) * 50) / 50]).toEqual([path, 0])
      expect([path, await page.getByText('This server does not offer').count()]).toEqual([path, 0])
    }
  })
})

describe.skipIf(!hasChromium)('a house with 320 nodes', () => {
  const story = stories()
  const house = houseOf('--sim', '320', '--sim-interval', '5')
  beforeAll(async () => {
    await until('a reading of each', async () => {
      const { items } = (await house.up().api('/api/nodes?limit=1000')).body
      return items.filter((node: { last_reading: number | null }) => node.last_reading !== null).length === 320 || undefined
    })
  })

  test('shows all, finds one, and draws the card that is scrolled to', async () => {
    await story.enter(house.up(), '/', { viewport: { width: 1920, height: 1080 } })
    const page = story.page()
    await expect.poll(() => page.locator('.card').count(), patient).toBe(320)
    await valueOn(page, 'sim-1', 'temperature').waitFor()
    expect(await story.visit().moved()).toBeLessThan(0.02)
    await card(page, 'sim-320').scrollIntoViewIfNeeded()
    await valueOn(page, 'sim-320', 'temperature').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sim-217')
    await expect.poll(() => page.locator('.card').count(), patient).toBe(1)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'sim-217', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Send to sim-217' }).click()
    await page.locator('.outcome', { hasText: 'done' }).waitFor()
  })
})

test('the script a first visit loads is at most 70 KB, gzipped', () => {
  const built = join(dirname(mainFile), '../../console/dist')
  const page = readFileSync(join(built, 'index.html'), 'utf8')
  const scripts = [...page.matchAll(/<script[^>]+src="\/([^"]+)"/g)].map(match => match[1]!)
  // What the first script imports at once comes with it.
  const wanted = new Set(scripts)
  for (const script of wanted)
    for (const [, file] of readFileSync(join(built, script), 'utf8').matchAll(/(?:^|[;}])import[^("']*["']\.\/([^"']+\.js)["']/g))
      wanted.add(`assets/${file}`)
  const size = [...wanted].reduce((sum, file) => sum + gzipSync(readFileSync(join(built, file))).length, 0)
  expect(readdirSync(join(built, 'assets')).length).toBeGreaterThan(wanted.size)
  expect(size).toBeLessThan(70 * 1024)
})
