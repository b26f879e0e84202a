import { mkdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { NodeView } from '../src/api/nodes.ts'
import { launchChromium, visitor } from '../test/chromium.ts'
import { temporaryData, type Up, until, up } from '../test/espalier.ts'
import { furnish } from './furnish.ts'

/** npm run screenshots [-- NODES …]: pictures of every page of the running product, light and dark, on a phone and a wide screen, for
 *  houses of 0, 3 and 1000 nodes, into a folder to be looked at; and the few of docs/images. */
const docs = join(process.env.ESPALIER_REPO ?? '.', 'docs/images')
const out = process.env.SCREENSHOTS ?? join(tmpdir(), 'espalier-screenshots')

const pages: Readonly<Record<string, string>> = {
  overview: '/',
  node: '/nodes/sim-1?last=24h',
  messages: '/messages',
  commands: '/commands',
  alerts: '/alerts',
  boards: '/boards',
  firmware: '/firmware',
  machine: '/machine',
  settings: '/settings',
  reference: '/reference',
}
const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  isMobile: true,
  hasTouch: true,
}
const wide: BrowserContextOptions = { viewport: { width: 1920, height: 1080 } }
const screens = { phone, wide } as const
const schemes = ['light', 'dark'] as const

export async function screenshots(...only: string[]): Promise<void> {
  mkdirSync(docs, { recursive: true })
  mkdirSync(out, { recursive: true })
  const browser = await launchChromium()
  try {
    if (only.includes('first-paint')) return await firstPaints(browser)
    for (const nodes of [0, 3, 1000])
      if (only.length === 0 || only.includes(String(nodes))) await inHouse(nodes, house => allPages(browser, house, nodes))
  } finally {
    await browser.close()
  }
}

async function inHouse(nodes: number, work: (house: Up) => Promise<void>): Promise<void> {
  const data = await temporaryData()
  const house = await up(data.dir, '--sim', String(nodes), '--sim-interval', nodes > 100 ? '10' : '1')
  try {
    if (nodes === 3) await furnish(house)
    await until('a reading of all nodes', async () => {
      const { items } = (await house.api<{ items: NodeView[] }>('/api/nodes?limit=1000')).body
      return items.filter(node => node.last_reading !== null).length >= nodes || undefined
    })
    await work(house)
  } finally {
    await house.stop()
    await data.remove()
  }
}

async function allPages(browser: Browser, house: Up, nodes: number): Promise<void> {
  for (const [screen, options] of Object.entries(screens))
    for (const colorScheme of schemes) {
      // A fading ground is for the eye, not for a picture.
      const { page, leave } = await visitor(browser, { ...options, colorScheme, reducedMotion: 'reduce' })
      await page.goto(`${house.url}/#token=${house.token}`)
      await page.locator('.summary, .empty').first().waitFor()
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(house.url + path)
        await settled(page)
        await shoot(page, join(out, `${nodes}-${screen}-${colorScheme}-${name}.png`))
      }
      if (nodes === 3) await forDocs(page, house, `${screen}-${colorScheme}`)
      await leave()
    }
}

/** npm run screenshots -- first-paint: how long a signed-in browser takes from the address to the first screen of cards with values,
 *  for houses of 3, 100 and 1000 nodes; the middle of five visits, with nothing kept from the one before. */
async function firstPaints(browser: Browser): Promise<void> {
  for (const nodes of [3, 100, 1000])
    await inHouse(nodes, async house => {
      const times: number[] = []
      for (let visit = 0; visit < 5; visit++) {
        const { page, leave } = await visitor(browser, wide)
        await page.addInitScript(noteFirstValues)
        await page.goto(`${house.url}/healthz`)
        await page.request.post(`${house.url}/api/session`, { data: { token: house.token } })
        await page.goto(house.url)
        times.push(
          await until('a card with values', async () => (await page.evaluate<number>('window.firstValues')) || undefined),
        )
        await leave()
      }
      const [first, , middle, , last] = times.sort((a, b) => a - b)
      console.log(`${nodes} nodes: first paint with data after ${middle} ms (${first} to ${last})`)
    })
}

const noteFirstValues = `
  window.firstValues = 0
  const watch = () => {
    if (!document.querySelector('.card .number')) return requestAnimationFrame(watch)
    // The frame after the one that drew it.
    requestAnimationFrame(() => (window.firstValues = Math.round(performance.now())))
  }
  requestAnimationFrame(watch)
`

/** What stands in docs/images: a wide overview and node, a dark phone. */
async function forDocs(page: Page, house: Up, kind: string): Promise<void> {
  const wanted = { 'wide-light': ['overview', 'node', 'messages'], 'phone-dark': ['overview'] }[kind] ?? []
  if (kind === 'wide-light') await page.setViewportSize({ width: 1280, height: 852 })
  for (const name of wanted) {
    // One board's tries tell more than a stream of good readings.
    await page.goto(house.url + (name === 'messages' ? '/messages?node=bench' : pages[name]))
    await settled(page)
    await shoot(page, join(docs, `${kind === 'phone-dark' ? 'phone' : name === 'overview' ? 'first-page' : name}.png`))
  }
}

/** What a page asks for has come: no place is held any more, and a line is on every canvas. */
async function settled(page: Page): Promise<void> {
  await page.locator('main h1').first().waitFor({ state: 'attached' })
  // The page's policy forbids what playwright's own waiting does; asking again does the same.
  const ready = async () => ((await page.evaluate<boolean>(nothingWaits)) ? true : undefined)
  await until('a page that is whole', ready, 15_000).catch(error => console.error(page.url(), error.message))
}

const nothingWaits = `(() => {
  const busy = document.querySelector('.waiting, .skeleton')
  const drawn = [...document.querySelectorAll('.u-wrap canvas')].every(canvas => {
    const { data } = canvas.getContext('2d').getImageData(canvas.width / 2, 0, 1, canvas.height)
    return new Set(new Uint32Array(data.buffer)).size > 4
  })
  const lines = !document.querySelector('.card') || document.querySelector('.sparkline path')
  const counted = !document.querySelector('.summary')?.textContent.includes('– readings')
  return !busy && drawn && lines && counted && true
})()`

async function shoot(page: Page, path: string): Promise<void> {
  await page.mouse.move(0, 0)
  await page.screenshot({ path })
  console.log(`${path}: ${Math.ceil(statSync(path).size / 1024)} KB`)
}
