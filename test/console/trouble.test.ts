import { describe, expect, test } from 'vitest'
import { hasChromium } from '../chromium.ts'
import { up } from '../espalier.ts'
import { rawNode } from '../raw-node.ts'
import { barriers, card, changes, houseOf, patient, saved, stories } from './browser.ts'

const lost = /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING/

describe.skipIf(!hasChromium)('trouble', () => {
  const story = stories()
  const flags = ['--sim', '3', '--sim-interval', '0.5'] as const
  const house = houseOf(...flags)

  test('a board that falls silent turns late, one that is cut turns offline, and the pill says so', async () => {
    const { host, port } = house.up().run.mqtt
    const will = { topic: 'iot/node/attic/status', payload: Buffer.from('{"node_id":"node_attic","online":false,"boot":1}') }
    const node = await rawNode({ host, port, id: 'attic', will: { ...will, qos: 1, retain: true } })
    await node.publish('status', { online: true, boot: 1, interval: 1 })
    await story.enter(house.up())
    const page = story.page()
    await card(page, 'sim-1').waitFor()
    await node.publish('telemetry', { sensors: { temperature: 11.5 } })
    const state = card(page, 'attic').locator('.state')
    await expect.poll(() => state.textContent(), patient).toBe('online')
    await expect.poll(() => state.textContent(), patient).toBe('late')
    // Trouble comes first.
    expect(await page.locator('.card .name').first().textContent()).toBe('attic')
    await node.cut()
    await expect.poll(() => state.textContent(), patient).toBe('offline')
    await page.locator('.pill').click()
    const why = page.getByRole('dialog')
    await why.getByText('Look at power and WiFi').waitFor()
    expect(await barriers(page)).toEqual([])
    await why.getByRole('link', { name: 'attic' }).click()
    await page.getByRole('heading', { name: 'attic', level: 1 }).waitFor()
  })

  test('a message that could not be read is shown with the place that is wrong and the sentence that mends it', async () => {
    await story.enter(house.up(), '/messages')
    const page = story.page()
    await page.getByText('Every message so far could be read').waitFor()
    const payload = '{"node_id":"node_bench","sensors":{"temperature":"22.5"}}'
    await house.up().cli('pub', 'iot/node/bench/telemetry', payload)
    const [reject] = (await house.up().api('/api/rejects?node=bench')).body.items
    const row = page.locator('.message', { hasText: 'bench' })
    await row.getByText(reject.detail).waitFor()
    expect(await row.locator('.raw').textContent()).toBe(payload)
    expect(await row.locator('mark').textContent()).toContain('22.5')
    // The live list moves on, the kept one does not.
    await page.reload()
    await page.locator('.rejects summary', { hasText: 'bench' }).click()
    await page.locator('.rejects').getByText(reject.detail).waitFor()
    await page.locator('.rejects').getByRole('link', { name: 'bad_sensor_value' }).click()
    await page.locator('#bad_sensor_value').getByText('Send the number without quotes').waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByRole('link', { name: '1 not understood' }).click()
    await expect.poll(() => page.locator('.message').count(), patient).toBe(1)
  })

  test('the live list can be held still', async () => {
    await story.enter(house.up(), '/messages?node=sim-1')
    const page = story.page()
    await page.locator('.message').nth(2).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    const texts = () => page.locator('.message .point').allTextContents()
    const before = await texts()
    await page.getByRole('button', { name: /Go on \([1-9]\d* new\)/ }).waitFor()
    expect(await texts()).toEqual(before)
    await page.getByRole('button', { name: /Go on/ }).click()
    await expect.poll(texts, patient).not.toEqual(before)
  })

  test('keeps the picture when the server stops, and what is drawn can still be saved', async () => {
    await story.enter(house.up(), '/nodes/sim-1')
    const page = story.page()
    const csv = () => saved(page, page.getByRole('button', { name: 'CSV of temperature' }))
    await expect.poll(async () => (await csv()).length, patient).toBeGreaterThan(2)
    const drawn = await csv()
    story.provoke(lost)
    await house.up().stop()
    await page.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor()
    expect(await page.locator('.pill').textContent()).toContain('No connection')
    expect((await csv()).slice(0, drawn.length - 1)).toEqual(drawn.slice(0, -1))
    await page.getByRole('link', { name: 'Overview' }).click()
    for (const id of ['sim-1', 'sim-2', 'sim-3']) await card(page, id).locator('.state.offline').waitFor()
    expect(await page.locator('.summary').textContent()).toMatch(/\d offline/)
    house.replace(await up(house.data(), ...flags))
  })

  test('says since when the server is gone, and comes back by itself', async () => {
    await story.enter(house.up())
    const page = story.page()
    await changes(page, 'sim-1')
    story.provoke(lost)
    const { port } = house.up().run.http
    await house.up().kill()
    await page.getByText(/No connection since \d\d:\d\d:\d\d/).waitFor()
    house.replace(await up(house.data(), ...flags, '--http-port', String(port)))
    await page.getByText('Connected again').waitFor()
    await changes(page, 'sim-1')
  })
})
