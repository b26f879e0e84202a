import { readFile } from 'node:fs/promises'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasChromium, launchChromium, type Visit, visitor } from '../chromium.ts'
import { temporaryData, type Up, until, up } from '../espalier.ts'
import { rawNode } from '../raw-node.ts'

/** The page as a person uses it: Debian's chromium, the real server, virtual boards. Whatever the browser throws or blocks meanwhile
 *  fails the test. */

/** vitest's polls give up after a second; a rounded temperature may stay the same for longer. */
const patient = { timeout: 20_000 }
const lost = /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/
const phone = { viewport: { width: 390, height: 844 } }

let browser: Browser
let visit: Visit
let page: Page
/** Lines that the browser itself writes for an answer the story provokes. */
let provoked: RegExp | null

if (hasChromium) {
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser.close())
}
afterEach(async () => {
  const complaints = visit.complaints.filter(line => !provoked?.test(line))
  await visit.leave()
  expect(complaints).toEqual([])
})

async function open(house: Up, path: string, options?: BrowserContextOptions): Promise<void> {
  visit = await visitor(browser, options)
  page = visit.page
  provoked = null
  await page.goto(house.url + path)
}
const enter = (house: Up, options?: BrowserContextOptions): Promise<void> => open(house, `/#token=${house.token}`, options)

const card = (id: string) => page.locator('.card', { has: page.getByRole('button', { name: id, exact: true }) })
const valueOn = (id: string, sensor: string) => card(id).locator('.value', { hasText: sensor }).locator('.number')
const openCard = async (id: string): Promise<void> => {
  await card(id).getByRole('button').click()
  await page.getByRole('heading', { name: id }).waitFor()
}
const csv = async (): Promise<string[]> => {
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'CSV' }).click()
  return (await readFile(await (await download).path(), 'utf8')).trim().split('\n')
}
const changes = async (id: string): Promise<void> => {
  const value = valueOn(id, 'temperature')
  const before = await value.textContent()
  await expect.poll(() => value.textContent(), patient).not.toBe(before)
}
const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
const overflow = () => page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')

/** What axe finds that keeps people out, as `rule: element`. */
async function barriers(): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  return violations
    .filter(found => found.impact === 'serious' || found.impact === 'critical')
    .flatMap(found => found.nodes.map(node => `${found.id}: ${node.target} ${node.failureSummary}`))
}

describe.skipIf(!hasChromium)('the page in chromium', () => {
  let data: Awaited<ReturnType<typeof temporaryData>>
  let house: Up

  beforeAll(async () => {
    data = await temporaryData()
    house = await up(data.dir, '--sim', '3', '--sim-interval', '0.5')
  })
  afterAll(async () => {
    await house?.stop()
    await data?.remove()
  })

  test('the start link signs in, leaves the address, and values change by themselves', async () => {
    await enter(house)
    for (const id of ['sim-1', 'sim-2', 'sim-3']) {
      await card(id).locator('.state', { hasText: 'online' }).waitFor()
      expect(await card(id).locator('.unit').allTextContents()).toEqual([' °C', ' %', ' hPa'])
      expect(await valueOn(id, 'temperature').textContent()).toMatch(/^−?\d+\.\d+$/)
    }
    await changes('sim-1')
    expect(page.url()).not.toContain(house.token)
    expect(await visit.moved()).toBeLessThan(0.05)
    await page.reload()
    await changes('sim-1')
  })

  test('a command from the page reaches done, with its evidence', async () => {
    await enter(house)
    await openCard('sim-2')
    await page.getByRole('button', { name: 'Send to sim-2' }).click()
    const sent = page.locator('.command-list > li').first()
    await sent.locator('.outcome', { hasText: 'done' }).waitFor()
    const steps = await sent.locator('.timeline .step').allTextContents()
    expect(steps[0]).toBe('queued')
    expect(steps.at(-1)).toBe('done')
    expect(steps).toContain('sent')
    const [command] = (await house.api('/api/commands?node=sim-2')).body.items
    expect(command).toMatchObject({ command: 'set_led', params: { state: 'on', brightness: 128 }, state: 'done', by: 'console' })
  })

  test('a command that nobody takes says what it waits for, and can be cancelled', async () => {
    await house.cli('pub', 'iot/node/deaf/telemetry', '{"node_id":"node_deaf","sensors":{"temperature":7}}')
    await enter(house)
    await openCard('deaf')
    await page.getByRole('combobox', { name: 'Command' }).selectOption('identify')
    await page.getByRole('button', { name: 'Send to deaf' }).click()
    await page.getByText('Waits until deaf is connected and subscribes to iot/node/deaf/command').waitFor()
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.outcome', { hasText: 'cancelled' }).waitFor()
  })

  test('the chart tells the value under the cursor, zooms, and CSV is what is drawn', async () => {
    const start = Date.now() - 3_600_000
    const readings = Array.from({ length: 60 }, (_, i) => ({
      timestamp: (start + i * 10_000) / 1000,
      sensors: { temperature: 20 + Math.round(30 * Math.sin(i / 6)) / 10 },
    }))
    await house.cli('pub', 'iot/node/shed/telemetry', JSON.stringify({ node_id: 'node_shed', readings }))
    await enter(house)
    await openCard('shed')
    const plot = page.locator('.u-over')
    await page.getByRole('button', { name: '6 h' }).click()
    const readout = page.locator('.readout strong')
    await expect
      .poll(async () => {
        const box = (await plot.boundingBox())!
        await page.mouse.move(box.x + 40, box.y + box.height / 2)
        await page.mouse.move(box.x + 20, box.y + box.height / 2)
        return readout.count()
      }, patient)
      .toBe(1)
    expect(await readout.textContent()).toMatch(/^\d+\.\d+$/)

    const box = (await plot.boundingBox())!
    const zoomed = page.waitForResponse(response => response.url().includes('/api/nodes/shed/readings'))
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 })
    await page.mouse.up()
    const { temperature } = (await (await zoomed).json()).series
    await page.getByRole('button', { name: 'Back to live' }).waitFor()
    const [head, ...lines] = await csv()
    expect(head).toBe('time,min,mean,max,count')
    expect(lines.length).toBeGreaterThan(10)
    const { time, min, mean, max, count } = temperature
    const drawn = time.map((at: number, i: number) => [new Date(at).toISOString(), min[i], mean[i], max[i], count[i]].join(','))
    expect(lines).toEqual(drawn)
  })

  test('a message that could not be read appears with its reason and the sentence that mends it', async () => {
    await enter(house)
    await page.getByText('Every message so far could be read').waitFor()
    const payload = '{"node_id":"node_bench","sensors":{"t":'
    await house.cli('pub', 'iot/node/bench/telemetry', payload)
    await page.getByRole('button', { name: '1 not understood' }).waitFor()
    const row = page.locator('.rejects li', { hasText: 'bench' })
    await row.locator('.reason', { hasText: 'bad_json' }).waitFor()
    await row.locator('summary').click()
    const [reject] = (await house.api('/api/rejects?node=bench')).body.items
    await row.getByText(reject.detail, { exact: true }).last().waitFor()
    expect(await row.locator('pre').textContent()).toBe(payload)
    expect(await barriers()).toEqual([])
  })

  test('without a token the page asks for it, and says when it is wrong', async () => {
    await open(house, '/')
    provoked = /status of 401/
    await page.getByLabel('Token').fill('guess')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('not the token of this server').waitFor()
    expect(await barriers()).toEqual([])
    await page.getByLabel('Token').fill(house.token)
    await page.keyboard.press('Enter')
    await card('sim-1').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
  })

  test('the start link also works in a tab that stands at the question for the token', async () => {
    await open(house, '/#token=guess')
    provoked = /status of 401/
    await page.getByText('not the token of this server').waitFor()
    expect(page.url()).not.toContain('guess')
    await page.goto(`${house.url}/#token=${house.token}`)
    await card('sim-1').waitFor()
    expect(page.url()).not.toContain(house.token)
  })

  test('a board that falls silent turns late, one that is cut turns offline, and the pill says so', async () => {
    const { host, port } = house.run.mqtt
    const will = { topic: 'iot/node/attic/status', payload: Buffer.from('{"node_id":"node_attic","online":false,"boot":1}') }
    const node = await rawNode({ host, port, id: 'attic', will: { ...will, qos: 1, retain: true } })
    await node.publish('status', { online: true, boot: 1, interval: 1 })
    await enter(house)
    await card('sim-1').waitFor()
    await node.publish('telemetry', { sensors: { temperature: 11.5 } })
    const state = card('attic').locator('.state')
    await expect.poll(() => state.textContent(), patient).toBe('online')
    await expect.poll(() => state.textContent(), patient).toBe('late')
    await node.cut()
    await expect.poll(() => state.textContent(), patient).toBe('offline')
    await page.locator('.pill').click()
    await page.getByRole('dialog').getByRole('button', { name: 'attic' }).waitFor()
    expect(await barriers()).toEqual([])
  })

  test('works by keyboard alone: choose a card, a sensor, send a command', async () => {
    await enter(house)
    await valueOn('sim-2', 'temperature').waitFor()
    const tabTo = async (name: RegExp): Promise<void> => {
      for (let presses = 0; presses < 60; presses++) {
        await page.keyboard.press('Tab')
        if (name.test(await page.evaluate('document.activeElement.textContent'))) return
      }
      throw new Error(`no way to ${name} by Tab`)
    }
    await tabTo(/^sim-2$/)
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'sim-2' }).waitFor()
    await tabTo(/^humidity/)
    await page.keyboard.press('Enter')
    await page.getByRole('img', { name: 'humidity of sim-2 over time' }).waitFor()
    await tabTo(/^Send to sim-2$/)
    const before = await page.locator('.command-list > li').count()
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.command-list > li').count(), patient).toBe(before + 1)
    await page.locator('.command-list > li').first().locator('.outcome', { hasText: 'done' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sim-3')
    await expect.poll(() => page.locator('.card').count(), patient).toBe(1)
    await page.keyboard.press('Escape')
    await card('sim-1').waitFor()
  })

  test('on a phone nothing is wider than the screen, and a touched card brings its chart', async () => {
    await enter(house, { ...phone, hasTouch: true, isMobile: true })
    await valueOn('sim-2', 'temperature').waitFor()
    expect(await visit.moved()).toBeLessThan(0.05)
    await card('sim-2').getByRole('button').tap()
    const heading = page.getByRole('heading', { name: 'sim-2' })
    await expect.poll(async () => (await heading.boundingBox())!.y, patient).toBeLessThan(300)
    expect(await overflow()).toBe(0)
    expect(await barriers()).toEqual([])
  })

  test('follows the dark of the system, and a chosen theme stays', async () => {
    await enter(house, { colorScheme: 'dark' })
    await valueOn('sim-1', 'temperature').waitFor()
    expect(await barriers()).toEqual([])
    const dark = await ground()
    await page.getByRole('button', { name: 'Theme: auto' }).click()
    await page.getByRole('button', { name: 'Theme: light' }).waitFor()
    const light = await ground()
    expect(light).not.toBe(dark)
    await page.reload()
    await card('sim-1').waitFor()
    expect(await ground()).toBe(light)
  })

  test('keeps the picture when the server stops, and counts every goodbye', async () => {
    await enter(house)
    await openCard('sim-1')
    await changes('sim-1')
    const drawn = await csv()
    expect(drawn.length).toBeGreaterThan(2)
    provoked = lost
    await house.stop()
    await page.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor()
    for (const id of ['sim-1', 'sim-2', 'sim-3']) await card(id).locator('.state.offline').waitFor()
    const offline = await page.locator('.card .state.offline').count()
    expect(await page.locator('.summary').textContent()).toContain(`, ${offline} offline`)
    expect(await page.locator('.pill').textContent()).toContain('No connection')
    expect((await csv()).slice(0, drawn.length - 1)).toEqual(drawn.slice(0, -1))
    house = await up(data.dir, '--sim', '3', '--sim-interval', '0.5')
  })

  test('says since when the server is gone, and comes back by itself', async () => {
    await enter(house)
    await changes('sim-1')
    provoked = lost
    const { port } = house.run.http
    await house.kill()
    await page.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor()
    house = await up(data.dir, '--sim', '3', '--sim-interval', '0.5', '--http-port', String(port))
    await page.getByText('Connected again').waitFor()
    await changes('sim-1')
  })
})

describe.skipIf(!hasChromium)('the page of a house where nobody has spoken', () => {
  let data: Awaited<ReturnType<typeof temporaryData>>
  let house: Up
  beforeAll(async () => {
    data = await temporaryData()
    house = await up(data.dir, '--sim', '0')
  })
  afterAll(async () => {
    await house?.stop()
    await data?.remove()
  })

  test('gives a command to copy that brings the first card, and a second node appears beside it', async () => {
    await enter(house, phone)
    await page.getByRole('heading', { name: 'No node has spoken yet' }).waitFor()
    const steps = await page.locator('.copyable code').allTextContents()
    expect(steps[0]).toContain(`mosquitto_pub -p ${house.run.mqtt.port} -t iot/node/01/telemetry`)
    expect(await overflow()).toBe(0)
    expect(await barriers()).toEqual([])
    const [, topic, payload] = /^npx --no-install espalier pub (\S+) '(.+)'$/.exec(steps[1]!)!
    await house.cli('pub', topic!, payload!)
    await expect.poll(() => valueOn('01', 'temperature').textContent(), patient).toBe('22.5')
    await house.cli('pub', 'iot/node/02/telemetry', '{"node_id":"node_02","sensors":{"soil_moisture":41}}')
    await expect.poll(() => valueOn('02', 'soil moisture').textContent(), patient).toBe('41')
  })
})

describe.skipIf(!hasChromium)('the page of a house with 320 nodes', () => {
  let data: Awaited<ReturnType<typeof temporaryData>>
  let house: Up
  beforeAll(async () => {
    data = await temporaryData()
    house = await up(data.dir, '--sim', '320', '--sim-interval', '5')
    await until('a reading of each', async () => {
      const { items } = (await house.api('/api/nodes')).body
      return items.filter((node: { last_reading: number | null }) => node.last_reading !== null).length === 320 || undefined
    })
  })
  afterAll(async () => {
    await house?.stop()
    await data?.remove()
  })

  test('shows all, finds one, and draws the card that is scrolled to', async () => {
    await enter(house, { viewport: { width: 1920, height: 1080 } })
    await expect.poll(() => page.locator('.card').count(), patient).toBe(320)
    await valueOn('sim-1', 'temperature').waitFor()
    expect(await visit.moved()).toBeLessThan(0.05)
    await card('sim-320').scrollIntoViewIfNeeded()
    await valueOn('sim-320', 'temperature').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sim-217')
    await expect.poll(() => page.locator('.card').count(), patient).toBe(1)
    await openCard('sim-217')
    await page.getByRole('button', { name: 'Send to sim-217' }).click()
    await page.locator('.outcome', { hasText: 'done' }).waitFor()
    expect(await overflow()).toBe(0)
    expect(await barriers()).toEqual([])
  })
})
