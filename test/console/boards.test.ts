import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { describe, expect, test } from 'vitest'
import { hasChromium } from '../chromium.ts'
import { barriers, houseOf, overflow, patient, phone, stories, valueOn } from './browser.ts'

/** A person adds a board on the page; the board connects over TLS with what the page showed. */
describe.skipIf(!hasChromium)('boards', () => {
  const story = stories()
  const house = houseOf('--lan', '--mqtts-port', '0', '--https-port', '0')

  test('a board added on the page speaks over TLS, the page says so, and revoking cuts it off', async () => {
    await story.enter(house.up(), '/boards')
    const page = story.page()
    await page.getByLabel('Id').fill('greenhouse')
    await page.getByLabel('Name').fill('Greenhouse')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('heading', { name: 'greenhouse may connect now' }).waitFor()
    const shown = async (name: string) =>
      page
        .locator('.secrets > div', { has: page.getByText(name, { exact: true }) })
        .locator('code')
        .textContent()
    const [username, password] = [(await shown('User name'))!, (await shown('Password'))!]
    expect(await shown('Address')).toMatch(new RegExp(`^mqtts://\\S+:${house.up().run.mqtts!.port}$`))
    expect(await page.locator('.program pre').textContent()).toContain(password)
    await page.getByRole('button', { name: 'QR code' }).click()
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    expect(await barriers(page)).toEqual([])

    const ca = await readFile(join(house.data(), 'ca/ca.pem'))
    const url = `mqtts://localhost:${house.up().run.mqtts!.port}`
    const board = await connectAsync(url, { ca, username, password, clientId: 'greenhouse', reconnectPeriod: 0 })
    const gone = new Promise(done => board.once('close', () => done(null)))
    await board.publishAsync('iot/node/greenhouse/telemetry', '{"node_id":"node_greenhouse","sensors":{"temperature":22.5}}', {
      qos: 1,
    })
    await page.getByText('Greenhouse spoke for the first time').waitFor()
    await page.getByRole('button', { name: 'I have it' }).click()
    // What was shown once is nowhere any more.
    expect(await page.content()).not.toContain(password)
    await page.getByText('● connected').waitFor(patient)

    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
    await gone
    await page.getByText('✕ revoked').waitFor()
    await expect(connectAsync(url, { ca, username, password, reconnectPeriod: 0 })).rejects.toThrow(
      /[Nn]ot authori[sz]ed|Bad user/,
    )
    await page.getByRole('link', { name: 'Messages' }).click()
    await page.locator('.message', { hasText: 'refused' }).first().waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await expect.poll(() => valueOn(page, 'Greenhouse', 'temperature').textContent(), patient).toBe('22.5')
  })

  test('an id that is taken, and what is no id, are refused with the reason', async () => {
    await story.enter(house.up(), '/boards', phone)
    const page = story.page()
    story.provoke(/status of 409/)
    await page.getByLabel('Id').fill('twice')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('button', { name: 'I have it' }).click()
    await page.getByLabel('Id').fill('twice')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByRole('alert').getByText(/twice/).waitFor()
    expect(await overflow(page)).toBe(0)
    expect(await barriers(page)).toEqual([])
  })

  test('a board that spoke by itself becomes one of the house with one click', async () => {
    await house.up().cli('pub', 'iot/node/stray/telemetry', '{"node_id":"node_stray","sensors":{"temperature":3}}')
    await story.enter(house.up(), '/boards')
    const page = story.page()
    const stray = page.locator('.unclaimed li', { hasText: 'stray' })
    await stray.getByRole('button', { name: 'That’s mine' }).click()
    await stray.waitFor({ state: 'detached' })
    expect((await house.up().api('/api/nodes/stray')).body.claimed).toBe(true)
  })
})
