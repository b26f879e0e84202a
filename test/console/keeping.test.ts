import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openReceiver, type Receiver } from '../alerts/receiver.ts'
import { hasChromium } from '../chromium.ts'
import { temporaryData, type Up, up } from '../espalier.ts'
import { barriers, card, patient, stories, tabTo, valueOn } from './browser.ts'

/** A person keeps the house on the page: alerts, backups, the token, and all of it without a mouse. */
describe.skipIf(!hasChromium)('keeping the house', () => {
  const story = stories()
  let data: Awaited<ReturnType<typeof temporaryData>>
  let receiver: Receiver
  let house: Up
  beforeAll(async () => {
    data = await temporaryData()
    receiver = await openReceiver()
    const channels = `channels: { hook: { type: webhook, url: ${receiver.url}/hook } }`
    const rule = '{ name: hot, kind: threshold, sensor: temperature, above: 30, clear: 28 }'
    await writeFile(
      join(data.dir, 'espalier.yaml'),
      `alerts:\n  ${channels}\n  rules: [${rule}]\nbackup:\n  dir: ${join(data.dir, 'stick')}\n`,
    )
    house = await up(data.dir, '--lan', '--mqtts-port', '0', '--https-port', '0', '--sim', '2')
  })
  afterAll(async () => {
    await house?.stop()
    await receiver?.close()
    await data?.remove()
  })

  test('a test of a channel arrives, and a failed one says why', async () => {
    await story.enter(house, '/alerts')
    const page = story.page()
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.getByText('✓ It arrived.').waitFor()
    expect((await receiver.count(1))[0]!.body.event).toBe('test')
    receiver.answer(500)
    await page.getByRole('button', { name: 'Send a test' }).click()
    await page.locator('.channel-list [role=status]', { hasText: /✕ .*500/ }).waitFor()
    receiver.answer(200)
    expect(await barriers(page)).toEqual([])
  })

  test('an alert that fires is silenced for an hour, and told again when the silence is ended', async () => {
    const telemetry = '{"node_id":"node_oven","sensors":{"temperature":40}}'
    await house.cli('pub', '--qos', '1', 'iot/node/oven/telemetry', telemetry)
    await story.enter(house, '/alerts')
    const page = story.page()
    const alert = page.locator('.alert-list li', { hasText: 'oven' })
    await alert.getByText('▲ firing').waitFor()
    await alert.getByLabel('Silence hot of oven').selectOption('for 1 h')
    await alert.getByText(/silent until \d\d:\d\d/).waitFor()
    const ofOven = async () => (await house.api('/api/alerts?node=oven')).body.items[0]
    expect((await ofOven()).silenced_until - Date.now()).toBeGreaterThan(3_500_000)
    await alert.getByRole('button', { name: 'End silence' }).click()
    await alert.getByLabel('Silence hot of oven').waitFor()
    expect((await ofOven()).silenced_until).toBeNull()
  })

  test('a backup made on the page is listed with its size', async () => {
    await story.enter(house, '/settings')
    const page = story.page()
    await page.getByText('There is none yet').waitFor()
    await page.getByRole('button', { name: 'Back up now' }).click()
    const row = page.locator('.backup-list li')
    await row.getByText(/\d.(KiB|MiB|B), \S+ readings/).waitFor(patient)
    const [backup] = (await house.api('/api/backups')).body.items
    expect(await row.locator('code').textContent()).toBe(backup.file)
    expect((await readFile(backup.file)).length).toBe(backup.bytes)
  })

  test('only a page that shows messages is sent them', async () => {
    await story.enter(house)
    const page = story.page()
    await valueOn(page, 'sim-1', 'temperature').waitFor()
    const streams: string[] = []
    page.on('request', request => request.url().includes('/api/events') && streams.push(request.url()))
    await page.getByRole('link', { name: 'Messages' }).click()
    await expect.poll(() => streams.length, patient).toBe(1)
    expect(streams[0]).toContain('message')
    const newest = () => page.locator('.message time').first().getAttribute('datetime')
    const before = await newest()
    await expect.poll(newest, patient).not.toBe(before)
    await page.getByRole('link', { name: 'Overview' }).click()
    await expect.poll(() => streams.length, patient).toBe(2)
    expect(streams[1]).not.toContain('message')
    const value = valueOn(page, 'sim-1', 'temperature')
    const shown = await value.textContent()
    await expect.poll(() => value.textContent(), patient).not.toBe(shown)
    expect(await page.getByText(/No connection|Connected again/).count()).toBe(0)
  })

  test('by keyboard alone a board is added, its program read, and what was shown put away', async () => {
    await story.enter(house, '/boards')
    const page = story.page()
    const { keyboard } = page
    await page.getByRole('heading', { name: 'Boards', level: 1 }).waitFor()
    const labels: string[] = []
    const focused = () => page.evaluate<string>('document.activeElement.name || document.activeElement.textContent')
    while (!labels.includes('Add')) {
      expect(labels.length).toBeLessThan(40)
      await keyboard.press('Tab')
      labels.push(await focused())
      if (labels.at(-1) === 'id') await keyboard.type('attic')
      if (labels.at(-1) === 'name') await keyboard.type('Attic')
    }
    // As they are read.
    expect(labels.slice(-4)).toEqual(['id', 'name', 'kind', 'Add'])
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'attic may connect now' }).waitFor()
    expect(await focused()).toContain('attic may connect now')
    await tabTo(page, /^Python script$/)
    await keyboard.press('Enter')
    await page.locator('.program pre', { hasText: 'import' }).waitFor()
    await tabTo(page, /^I have it$/)
    await keyboard.press('Enter')
    await page.getByRole('heading', { name: 'attic may connect now' }).waitFor({ state: 'detached' })
    const row = page.locator('.identities > li', { hasText: 'attic' })
    await tabTo(page, /^Revoke$/)
    await keyboard.press('Enter')
    // The answer that changes nothing has the focus; Escape is the same.
    await page.getByRole('alertdialog').waitFor()
    expect(await focused()).toBe('Leave it')
    await keyboard.press('Escape')
    await page.getByRole('alertdialog').waitFor({ state: 'detached' })
    expect(await focused()).toBe('Revoke')
    expect(await row.getByText('revoked').count()).toBe(0)
  })

  test('a node is renamed and tagged, and / finds it by name and by tag', async () => {
    await story.enter(house, '/nodes/sim-2')
    const page = story.page()
    await page.getByRole('button', { name: 'Rename, tag' }).click()
    await page.getByLabel('Name').fill('Cellar')
    await page.getByLabel('Tags').fill('house cold')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Cellar', level: 1 }).waitFor()
    expect((await house.api('/api/nodes/sim-2')).body).toMatchObject({ name: 'Cellar', tags: ['house', 'cold'] })
    for (const wanted of ['cell', 'cold']) {
      await page.keyboard.press('/')
      await page.keyboard.press('ControlOrMeta+a')
      await page.keyboard.type(wanted)
      await expect.poll(() => page.locator('.card .name').allTextContents(), patient).toEqual(['Cellar'])
      await page.keyboard.press('Escape')
    }
    await card(page, 'sim-1').waitFor()
    // Taken away again.
    await page.goto(`${house.url}/nodes/sim-2`)
    await page.getByRole('button', { name: 'Rename, tag' }).click()
    await page.getByLabel('Name').fill('')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'sim-2', level: 1 }).waitFor()
  })

  test('a token changed on the page signs it out, and the new one opens it', async () => {
    await story.enter(house, '/settings')
    const page = story.page()
    // The stream is cut with the old token.
    story.provoke(/status of 401|INCOMPLETE_CHUNKED/)
    await page.getByRole('button', { name: 'Change the token' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Change it' }).click()
    await page.getByText('The token has changed').waitFor()
    expect((await house.api('/api/nodes')).status).toBe(401)
    await page.getByLabel('Token').fill(house.token)
    await page.keyboard.press('Enter')
    await page.getByText('not the token of this server').waitFor()
    await page.getByLabel('Token').fill((await readFile(join(data.dir, 'token'), 'utf8')).trim())
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Settings', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await valueOn(page, 'sim-1', 'temperature').waitFor()
  })
})
