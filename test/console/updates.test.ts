import { join } from 'node:path'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { hasChromium } from '../chromium.ts'
import { until } from '../espalier.ts'
import { rawNode } from '../raw-node.ts'
import { imageFile } from '../updates/image.ts'
import { barriers, houseOf, overflow, patient, phone, stories } from './browser.ts'

/** Updates as a person does them in the browser; the board is in the test's hand. */
describe.skipIf(!hasChromium)('an update in the browser', () => {
  const story = stories()
  const house = houseOf('--lan', '--mqtts-port', '0', '--https-port', '0')
  const file = (version: string): string => join(house.data(), `${version}.bin`)
  beforeAll(async () => {
    await imageFile(file('1.1.0'), 'test-board', '1.1.0')
    await imageFile(file('1.2.0'), 'test-board', '1.2.0')
    await house.up().cli('firmware', 'add', file('1.1.0'), '--version', '1.1.0', '--board', 'test-board')
  })

  test('a file says itself what it is, is added, and can be taken away', async () => {
    await story.enter(house.up(), '/firmware')
    const page = story.page()
    await page.getByText('1.1.0').waitFor()
    await page.locator('input[type=file]').setInputFiles(file('1.2.0'))
    await page.getByText('1.2.0 for test-board').waitFor()
    await page.getByRole('button', { name: 'Add and sign' }).click()
    await page.getByText('1.2.0 for test-board was added.').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Remove' }).count(), patient).toBe(2)
    await page.locator('input[type=file]').setInputFiles({ name: 'x.bin', mimeType: '', buffer: Buffer.alloc(1_000, 7) })
    await page.getByText('does not say what it is').waitFor()
    expect(await page.getByRole('button', { name: 'Add and sign' }).isDisabled()).toBe(true)
  })

  test('the board’s page offers what fits, shows how far it is, and says why it failed and when it is done', async () => {
    const node = await rawNode({ ...house.up().run.mqtt, id: 'shed' })
    onTestFinished(() => node.cut())
    await node.subscribe()
    const says = (version: string, confirmed: boolean) =>
      node.publish('status', { online: true, boot: 7, board: 'test-board', firmware: { version, slot: 'app0', confirmed } })
    await says('1.0.0', true)
    await until('the board', async () => ((await house.up().api('/api/nodes/shed')).body.board ? true : undefined))
    await story.enter(house.up(), '/nodes/shed', phone)
    const page = story.page()
    const card = page.locator('.update')
    await card.getByText('slot app0, confirmed').waitFor()

    const begin = async (): Promise<(state: string, more?: object) => Promise<void>> => {
      await card.getByLabel('Version').selectOption('1.1.0')
      await card.getByRole('button', { name: 'Update' }).click()
      const { id } = (await node.command()).body
      return (state, more = {}) => node.publish('ack', { id, command: 'update_firmware', state, ...more })
    }
    const first = await begin()
    await first('running', { progress: 42 })
    await card.getByText('Fetching 1.1.0: 42 %').waitFor()
    expect(await card.getByRole('progressbar').getAttribute('value')).toBe('42')
    expect(await card.getByRole('button', { name: 'Update' }).count()).toBe(0)
    expect([await overflow(page), await barriers(page)]).toEqual([0, []])
    await first('failed', { error: { code: 'bad_signature', message: '' } })
    await card.getByText('Sign with the right key').waitFor()

    const second = await begin()
    await second('done')
    await card.getByText('has to prove itself').waitFor()
    await says('1.1.0', true)
    await card.getByText('Updated to 1.1.0').waitFor()
  })
})
