import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync, type MqttClient } from 'mqtt'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { NodeView } from '../src/api/nodes.ts'
import { type Random, seeded } from '../src/kit/random.ts'
import { launchChromium, visitor } from '../test/chromium.ts'
import { temporaryData, type Up, until, up } from '../test/espalier.ts'

/** npm run screenshots: the pictures of docs/images, taken of the real page: three virtual nodes, and the day before that they would
 *  have had. */
const folder = join(process.env.ESPALIER_REPO ?? '.', 'docs/images')
const stepMs = 20_000
const dayMs = 86_400_000

export async function screenshots(): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const data = await temporaryData()
  const house = await up(data.dir, '--sim', '3')
  const browser = await launchChromium()
  try {
    await giveHistory(house)
    await house.cli('send', 'sim-1', 'set_led', 'state=on', 'brightness=128')
    await picture(browser, house, 'first-page', { viewport: { width: 1280, height: 852 }, colorScheme: 'light' })
    await picture(browser, house, 'phone', {
      viewport: { width: 390, height: 844 },
      deviceScaleFactor: 2,
      colorScheme: 'dark',
      isMobile: true,
    })
  } finally {
    await browser.close()
    await house.stop()
    await data.remove()
  }
}

async function picture(browser: Browser, house: Up, name: string, options: BrowserContextOptions): Promise<void> {
  // A fading ground is for the eye, not for a picture.
  const { page, leave } = await visitor(browser, { ...options, reducedMotion: 'reduce' })
  await page.goto(`${house.url}/#token=${house.token}`)
  await page.locator('.sparkline path').nth(2).waitFor()
  await page.getByText('3.0 readings/s').waitFor()
  await page.getByRole('button', { name: '24 h' }).click()
  await drawn(page)
  await page.mouse.move(0, 0)
  await page.evaluate('scrollTo(0, 0)')
  const path = join(folder, `${name}.png`)
  await page.screenshot({ path })
  console.log(`${path}: ${Math.ceil(statSync(path).size / 1024)} KB`)
  await leave()
}

/** The line is on the canvas when it lies in the middle third too. */
async function drawn(page: Page): Promise<void> {
  const line = `(() => {
    const canvas = document.querySelector('.u-wrap canvas')
    const { width, height } = canvas
    const { data } = canvas.getContext('2d').getImageData(width / 3, 0, 1, height)
    const colours = new Set()
    for (let i = 0; i < data.length; i += 4) colours.add(data.slice(i, i + 4).join())
    return colours.size
  })()`
  await until('a drawn chart', async () => ((await page.evaluate<number>(line)) > 4 ? true : undefined))
}

/** A day that ends in what each node measures now. */
async function giveHistory(house: Up): Promise<void> {
  const nodes = await until('first readings of all', async () => {
    const { items } = (await house.api<{ items: NodeView[] }>('/api/nodes')).body
    return items.length === 3 && items.every(node => node.last_reading !== null) ? items : undefined
  })
  const client = await connectAsync(`mqtt://${house.run.mqtt.host}:${house.run.mqtt.port}`)
  for (const [i, node] of nodes.entries()) await publishDay(client, node, seeded(i).fork(node.id))
  await client.endAsync()
}

async function publishDay(client: MqttClient, node: NodeView, random: Random): Promise<void> {
  const end = node.last_reading!
  const warmestH = 14 + 2 * random.next()
  const sun = (ms: number): number => 2.6 * Math.cos(((ms / 3_600_000 - warmestH) / 24) * 2 * Math.PI)
  const readings: { timestamp: number; sensors: Record<string, number> }[] = []
  // Backwards, straying from what is measured now.
  let [drift, damp, weather] = [0, 0, 0]
  for (let ms = end - stepMs; ms > end - dayMs; ms -= stepMs) {
    drift = 0.997 * drift + 0.025 * random.normal()
    damp = 0.997 * damp + 0.12 * random.normal()
    weather = 0.9997 * weather + 0.06 * random.normal()
    const warmer = sun(ms) - sun(end) + drift
    readings.unshift({
      timestamp: ms / 1000,
      sensors: {
        temperature: rounded(node.last.temperature! + warmer + random.normal() * 0.05, 2),
        humidity: rounded(node.last.humidity! - 4 * warmer + damp + random.normal() * 0.2, 1),
        pressure: rounded(node.last.pressure! + weather + random.normal() * 0.05, 1),
      },
    })
  }
  for (let at = 0; at < readings.length; at += 256) {
    const batch = { node_id: `node_${node.id}`, readings: readings.slice(at, at + 256) }
    await client.publishAsync(`iot/node/${node.id}/telemetry`, JSON.stringify(batch), { qos: 1 })
  }
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits))
