import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { temporaryData, type Up, up } from '../espalier.ts'

/** The page as a person uses it: Debian's chromium, the real server, three virtual boards. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'

/** vitest's polls give up after a second; a rounded temperature may stay the same for longer. */
const patient = { timeout: 20_000 }

describe.skipIf(!existsSync(executablePath))('the page in chromium', () => {
  let data: Awaited<ReturnType<typeof temporaryData>>
  let house: Up
  let browser: Browser
  let page: Page
  let complaints: string[]

  beforeAll(async () => {
    data = await temporaryData()
    house = await up(data.dir, '--sim', '3', '--sim-interval', '0.5')
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  })
  afterEach(() => page.context().close())
  afterAll(async () => {
    await browser?.close()
    await house?.stop()
    await data?.remove()
  })

  /** A fresh visitor. `complaints` collects what the browser blocked or threw. */
  async function visit(path: string, viewport = { width: 1280, height: 900 }): Promise<void> {
    const context = await browser.newContext({ viewport })
    page = await context.newPage()
    complaints = []
    page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
    page.on('pageerror', error => complaints.push(error.message))
    await page.goto(house.url + path)
  }
  const card = (id: string) => page.locator('.card', { has: page.getByRole('button', { name: id, exact: true }) })
  const openCard = async (id: string): Promise<void> => {
    await card(id).getByRole('button').click()
    await page.getByRole('heading', { name: id }).waitFor()
  }

  test('the start link signs in, leaves the address, and values change by themselves', async () => {
    await visit(`/#token=${house.token}`)
    const value = card('sim-1').locator('.value', { hasText: 'temperature' }).locator('.number')
    const first = await value.textContent()
    await expect.poll(() => value.textContent(), patient).not.toBe(first)
    expect(page.url()).not.toContain(house.token)
    await page.reload()
    await value.waitFor()
    expect(complaints).toEqual([])
  })

  test('a command from the page reaches done, with its evidence', async () => {
    await visit(`/#token=${house.token}`)
    await openCard('sim-2')
    await page.getByRole('button', { name: 'Send to sim-2' }).click()
    const sent = page.locator('.command-list > li').first()
    await sent.locator('.outcome', { hasText: 'done' }).waitFor()
    expect(await sent.locator('.timeline .step').allTextContents()).toEqual(expect.arrayContaining(['queued', 'sent', 'done']))
    const [command] = (await house.api('/api/commands?node=sim-2')).body.items
    expect(command).toMatchObject({ command: 'set_led', params: { state: 'on', brightness: 128 }, state: 'done', by: 'console' })
    expect(complaints).toEqual([])
  })

  test('the chart draws the readings and tells the value under the cursor', async () => {
    await visit(`/#token=${house.token}`)
    await openCard('sim-1')
    const plot = page.locator('.u-over')
    await plot.waitFor()
    const readout = page.locator('.readout strong')
    await expect
      .poll(async () => {
        const box = (await plot.boundingBox())!
        await page.mouse.move(box.x + box.width - 8, box.y + box.height / 2)
        await page.mouse.move(box.x + box.width - 12, box.y + box.height / 2)
        return readout.count()
      }, patient)
      .toBe(1)
    expect(await readout.textContent()).toMatch(/^−?\d+\.\d+$/)
  })

  test('a message that could not be read appears with its reason', async () => {
    await visit(`/#token=${house.token}`)
    await page.getByText('Every message so far could be read').waitFor()
    const { connectAsync } = await import('mqtt')
    const client = await connectAsync(`mqtt://${house.run.mqtt.host}:${house.run.mqtt.port}`)
    await client.publishAsync('iot/node/bench/telemetry', '{"node_id":"node_bench","sensors":{"t":', { qos: 1 })
    await client.endAsync()
    const row = page.locator('.rejects li', { hasText: 'bench' })
    await row.locator('.reason', { hasText: 'bad_json' }).waitFor()
    await row.locator('summary').click()
    expect(await row.locator('pre').textContent()).toContain('"sensors":{"t":')
  })

  test('without a token the page asks for it, and says when it is wrong', async () => {
    await visit('/')
    await page.getByLabel('Token').fill('guess')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('not the token of this server').waitFor()
    await page.getByLabel('Token').fill(house.token)
    await page.keyboard.press('Enter')
    await card('sim-1').waitFor()
  })

  test('works without a mouse and on a phone, where nothing is wider than the screen', async () => {
    await visit(`/#token=${house.token}`, { width: 390, height: 844 })
    await card('sim-1').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sim-3')
    await expect.poll(() => page.locator('.card').count(), patient).toBe(1)
    await page.keyboard.press('Escape')
    await card('sim-2').getByRole('button').focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'sim-2' }).waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBe(0)
  })

  test('says when the server is gone, and comes back by itself', async () => {
    await visit(`/#token=${house.token}`)
    const value = card('sim-1').locator('.value', { hasText: 'temperature' }).locator('.number')
    await value.waitFor()
    const { port } = house.run.http
    await house.stop()
    await page.getByText('No connection since').waitFor()
    // All three said goodbye; the picture says so and keeps what it had.
    await expect.poll(() => page.locator('.card .state.offline').count(), patient).toBe(3)
    expect(await page.locator('.summary').textContent()).toContain('3 offline')
    expect(await page.locator('.pill').textContent()).toContain('3 silent')
    house = await up(data.dir, '--sim', '3', '--sim-interval', '0.5', '--http-port', String(port))
    await page.getByText('Connected again').waitFor()
    const old = await value.textContent()
    await expect.poll(() => value.textContent(), patient).not.toBe(old)
  })
})
