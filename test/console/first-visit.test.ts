import { describe, expect, test } from 'vitest'
import { hasChromium } from '../chromium.ts'
import { barriers, card, changes, houseOf, overflow, patient, phone, stories, valueOn } from './browser.ts'

describe.skipIf(!hasChromium)('first visit', () => {
  const story = stories()
  const house = houseOf('--sim', '3', '--sim-interval', '0.5')

  test('the start link signs in, leaves the address, and values change by themselves', async () => {
    await story.enter(house.up())
    const page = story.page()
    for (const id of ['sim-1', 'sim-2', 'sim-3']) {
      await card(page, id).locator('.state', { hasText: 'online' }).waitFor()
      expect(await card(page, id).locator('.unit').allTextContents()).toEqual([' °C', ' %', ' hPa'])
      expect(await valueOn(page, id, 'temperature').textContent()).toMatch(/^−?\d+\.\d+$/)
    }
    await changes(page, 'sim-1')
    expect(page.url()).toBe(`${house.up().url}/`)
    expect(await story.visit().moved()).toBeLessThan(0.01)
    await page.reload()
    await changes(page, 'sim-1')
  })

  test('the link of a page leads to that page, and Back and reload know where they are', async () => {
    await story.enter(house.up(), '/nodes/sim-2')
    const page = story.page()
    await page.getByRole('heading', { name: 'sim-2', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Commands' }).click()
    await page.getByRole('heading', { name: 'Commands', level: 1 }).waitFor()
    expect(page.url()).toBe(`${house.up().url}/commands`)
    await page.reload()
    await page.getByRole('heading', { name: 'Commands', level: 1 }).waitFor()
    await page.goBack()
    await page.getByRole('heading', { name: 'sim-2', level: 1 }).waitFor()
    await page.goto(`${house.up().url}/nowhere/at/all`)
    await page.getByRole('heading', { name: 'No such page' }).waitFor()
  })

  test('without a token the page asks for it, and says when it is wrong', async () => {
    await story.open(house.up().url)
    const page = story.page()
    story.provoke(/status of 401/)
    await page.getByLabel('Token').fill('guess')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('not the token of this server').waitFor()
    expect(await barriers(page)).toEqual([])
    await page.getByLabel('Token').fill(house.up().token)
    await page.keyboard.press('Enter')
    await card(page, 'sim-1').waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Token').waitFor()
  })

  test('the start link also works in a tab that stands at the question for the token', async () => {
    await story.open(`${house.up().url}/#token=guess`)
    const page = story.page()
    story.provoke(/status of 401/)
    await page.getByText('not the token of this server').waitFor()
    expect(page.url()).not.toContain('guess')
    await page.goto(`${house.up().url}/#token=${house.up().token}`)
    await card(page, 'sim-1').waitFor()
    expect(page.url()).not.toContain(house.up().token)
  })

  test('follows the dark of the system, and a chosen theme stays', async () => {
    await story.enter(house.up(), '/', { colorScheme: 'dark' })
    const page = story.page()
    const ground = () => page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
    await valueOn(page, 'sim-1', 'temperature').waitFor()
    const dark = await ground()
    await page.getByRole('button', { name: 'Theme: auto' }).click()
    await page.getByRole('button', { name: 'Theme: light' }).waitFor()
    const light = await ground()
    expect(light).not.toBe(dark)
    await page.reload()
    await card(page, 'sim-1').waitFor()
    expect(await ground()).toBe(light)
  })
})

describe.skipIf(!hasChromium)('a house where nobody has spoken', () => {
  const story = stories()
  const house = houseOf('--sim', '0')

  test('gives a command to copy that brings the first card, and a notice says who spoke', async () => {
    await story.enter(house.up(), '/', phone)
    const page = story.page()
    await page.getByRole('heading', { name: 'No node has spoken yet' }).waitFor()
    const steps = await page.locator('.copyable code').allTextContents()
    expect(steps[0]).toContain(`mosquitto_pub -p ${house.up().run.mqtt.port} -t iot/node/01/telemetry`)
    expect(await overflow(page)).toBe(0)
    expect(await barriers(page)).toEqual([])
    const [, topic, payload] = /^npx --no-install espalier pub (\S+) '(.+)'$/.exec(steps[1]!)!
    await house.up().cli('pub', topic!, payload!)
    await expect.poll(() => valueOn(page, '01', 'temperature').textContent(), patient).toBe('22.5')
    await page.getByText('01 spoke for the first time').waitFor()
    await house.up().cli('pub', 'iot/node/02/telemetry', '{"node_id":"node_02","sensors":{"soil_moisture":41}}')
    await expect.poll(() => valueOn(page, '02', 'soil moisture').textContent(), patient).toBe('41')
    await page.locator('.notice', { hasText: '02 spoke' }).getByRole('link', { name: 'Look' }).click()
    await page.getByRole('heading', { name: '02', level: 1 }).waitFor()
  })
})
