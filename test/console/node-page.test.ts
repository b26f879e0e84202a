import { describe, expect, test } from 'vitest'
import { hasChromium } from '../chromium.ts'
import { houseOf, patient, saved, stories, tabTo, valueOn } from './browser.ts'

describe.skipIf(!hasChromium)('the page of a node', () => {
  const story = stories()
  const house = houseOf('--sim', '3', '--sim-interval', '0.5')

  test('a command from a form reaches done, with its evidence', async () => {
    await story.enter(house.up(), '/nodes/sim-2')
    const page = story.page()
    await page.getByRole('button', { name: 'Send to sim-2' }).click()
    const sent = page.locator('.command-list > li').first()
    await sent.locator('.outcome', { hasText: 'done' }).waitFor()
    const steps = await sent.locator('.timeline .step').allTextContents()
    expect(steps[0]).toBe('queued')
    expect(steps.at(-1)).toBe('done')
    expect(steps).toContain('sent')
    const [command] = (await house.up().api('/api/commands?node=sim-2')).body.items
    expect(command).toMatchObject({ command: 'set_led', params: { state: 'on', brightness: 128 }, state: 'done', by: 'console' })
    await page.reload()
    await page.locator('.outcome', { hasText: 'done' }).first().waitFor()
  })

  test('a form says what is not allowed before anything is sent', async () => {
    await story.enter(house.up(), '/nodes/sim-1')
    const page = story.page()
    await page.getByRole('combobox', { name: 'Command' }).selectOption('configure')
    await page.getByRole('spinbutton', { name: 'rev' }).fill('2')
    await page.getByRole('textbox', { name: /^outputs/ }).fill('{"relay":')
    await page.getByRole('button', { name: 'Send to sim-1' }).click()
    await page.getByText('outputs is "{\\"relay\\":"; allowed: JSON').waitFor()
    await page.getByRole('textbox', { name: /^outputs/ }).fill('{"relay":{"safe":7}}')
    await page.getByRole('button', { name: 'Send to sim-1' }).click()
    await page.getByText(/outputs\.relay\.safe is 7, allowed: .* \(configure\)/).waitFor()
    expect((await house.up().api('/api/commands?node=sim-1')).body.items).toEqual([])
  })

  test('a command that nobody takes says what it waits for, and can be cancelled', async () => {
    await house.up().cli('pub', 'iot/node/deaf/telemetry', '{"node_id":"node_deaf","sensors":{"temperature":7}}')
    await story.enter(house.up(), '/nodes/deaf')
    const page = story.page()
    await page.getByRole('combobox', { name: 'Command' }).selectOption('identify')
    await page.getByRole('button', { name: 'Send to deaf' }).click()
    await page.getByText('Waits until deaf is connected and subscribes to iot/node/deaf/command').waitFor()
    await page.getByRole('link', { name: 'Commands' }).click()
    await page.getByRole('combobox', { name: 'Node' }).selectOption('deaf')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.locator('.outcome', { hasText: 'cancelled' }).waitFor()
    await page.getByRole('combobox', { name: 'State' }).selectOption('done')
    await page.getByText('No command fits this filter').waitFor()
    expect(page.url()).toContain('/commands?node=deaf&state=done')
  })

  test('a chart tells the value under the cursor, zooms, and its CSV is the API’s numbers', async () => {
    const start = Date.now() - 3_600_000
    const readings = Array.from({ length: 60 }, (_, i) => ({
      timestamp: (start + i * 10_000) / 1000,
      sensors: { temperature: 20 + Math.round(30 * Math.sin(i / 6)) / 10, humidity: 40 + i },
    }))
    await house.up().cli('pub', 'iot/node/shed/telemetry', JSON.stringify({ node_id: 'node_shed', readings }))
    await story.enter(house.up(), '/nodes/shed?last=6h')
    const page = story.page()
    const plot = page.locator('.u-over').first()
    const readouts = page.locator('.readout strong')
    await expect
      .poll(async () => {
        const box = (await plot.boundingBox())!
        await page.mouse.move(box.x + 40, box.y + box.height / 2)
        await page.mouse.move(box.x + 20, box.y + box.height / 2)
        return readouts.count()
      }, patient)
      .toBe(2)
    // One cursor for both charts.
    expect(await readouts.first().textContent()).toMatch(/^\d+\.\d+$/)
    expect(await readouts.last().textContent()).toMatch(/^\d+/)

    const box = (await plot.boundingBox())!
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 })
    const zoomed = page.waitForResponse(response => response.url().includes('/api/nodes/shed/readings'))
    await page.mouse.up()
    await zoomed
    await page.getByRole('button', { name: 'To live' }).waitFor()
    const query = new URL(page.url()).searchParams
    const [head, ...lines] = await saved(page, page.getByRole('button', { name: 'CSV of temperature' }))
    expect(head).toBe('time,min,mean,max,count')
    expect(lines.length).toBeGreaterThan(10)
    const points = new URL((await zoomed).url()).searchParams.get('points')
    const path = `/api/nodes/shed/readings?sensor=temperature&from=${query.get('from')}&to=${query.get('to')}&points=${points}`
    const { time, min, mean, max, count } = (await house.up().api(path)).body.series.temperature
    expect(lines).toEqual(
      time.map((at: number, i: number) => [new Date(at).toISOString(), min[i], mean[i], max[i], count[i]].join(',')),
    )
    // The range is in the address: who gets the link sees the same.
    await page.reload()
    await page.getByRole('button', { name: 'To live' }).waitFor()
    await page.locator('.u-over').first().dblclick()
    await page.getByRole('button', { name: '15 min', pressed: true }).waitFor()
  })

  test('what the ledger knows to be missing is said beside the charts', async () => {
    const now = Math.floor(Date.now() / 1000)
    const of = (seq: number, n: number) =>
      JSON.stringify({
        node_id: 'node_gap',
        boot: 5,
        seq,
        readings: Array.from({ length: n }, (_, i) => ({
          timestamp: now - 200 + (seq + i),
          seq: seq + i,
          sensors: { level: seq + i },
        })),
      })
    await house.up().cli('pub', '--qos', '1', 'iot/node/gap/telemetry', of(0, 50))
    await house.up().cli('pub', '--qos', '1', 'iot/node/gap/telemetry', of(68, 50))
    await story.enter(house.up(), '/nodes/gap')
    await story
      .page()
      .getByText(/^18 readings (lost|missing, may still come), \d\d:\d\d–\d\d:\d\d$/)
      .waitFor()
  })

  test('works by keyboard alone: open a node, walk its chart, zoom, send a command', async () => {
    await story.enter(house.up())
    const page = story.page()
    await valueOn(page, 'sim-2', 'temperature').waitFor()
    await tabTo(page, /^sim-2$/)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'sim-2', level: 1 }).waitFor()
    await page.locator('.u-over').first().waitFor()
    await tabTo(page, /^Charts: /)
    await expect
      .poll(async () => {
        await page.keyboard.press('ArrowRight')
        return page.locator('.readout strong').count()
      }, patient)
      .toBeGreaterThan(0)
    await page.keyboard.press('+')
    await page.getByRole('button', { name: 'To live' }).waitFor()
    await page.keyboard.press('Escape')
    await expect.poll(() => new URL(page.url()).search, patient).toBe('')
    await tabTo(page, /^Send to sim-2$/)
    const before = await page.locator('.command-list > li').count()
    await page.keyboard.press('Enter')
    await expect.poll(() => page.locator('.command-list > li').count(), patient).toBe(before + 1)
    await page.locator('.command-list > li').first().locator('.outcome', { hasText: 'done' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sim-3')
    await expect.poll(() => page.locator('.card').count(), patient).toBe(1)
    await page.keyboard.press('Escape')
    await expect.poll(() => page.locator('.card').count(), patient).toBeGreaterThan(2)
  })

  test('a name and tags make groups on the overview', async () => {
    await story.enter(house.up(), '/nodes/sim-3')
    const page = story.page()
    await page.getByRole('button', { name: 'Rename, tag' }).click()
    await page.getByLabel('Name').fill('Cellar')
    await page.getByLabel('Tags').fill('house Cold')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('heading', { name: 'Cellar', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Overview' }).click()
    await page.getByLabel('Group by tag').check()
    await page.getByRole('heading', { name: /^cold/ }).waitFor()
    expect(await page.locator('.group h2').allTextContents()).toEqual([
      'cold 1',
      'house 1',
      expect.stringContaining('without a tag'),
    ])
    expect(page.url()).toContain('?group=tag')
  })
})
