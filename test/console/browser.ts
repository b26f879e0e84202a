import { readFile } from 'node:fs/promises'
import axe from 'axe-core'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { launchChromium, type Visit, visitor } from '../chromium.ts'
import { temporaryData, type Up, up } from '../espalier.ts'

/** The console as a person uses it: Debian's chromium, the real server. Whatever the browser throws or blocks meanwhile fails the
 *  test, but for lines the story itself provokes. */
export interface Stories {
  visit(): Visit
  page(): Page
  /** Lines that the browser itself writes for an answer the story provokes. */
  provoke(lines: RegExp): void
  open(url: string, options?: BrowserContextOptions): Promise<void>
  /** By the link that the terminal prints. */
  enter(house: Up, path?: string, options?: BrowserContextOptions): Promise<void>
}

/** vitest's polls give up after a second; a rounded temperature may stay the same for longer. */
export const patient = { timeout: 20_000 }
export const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

export function stories(): Stories {
  let browser: Browser
  let visit: Visit
  let provoked: RegExp | null = null
  beforeAll(async () => {
    browser = await launchChromium()
  })
  afterAll(() => browser?.close())
  afterEach(async () => {
    const complaints = visit.complaints.filter(line => !provoked?.test(line))
    await visit.leave()
    expect(complaints).toEqual([])
  })
  const open = async (url: string, options?: BrowserContextOptions): Promise<void> => {
    visit = await visitor(browser, options)
    provoked = null
    await visit.page.goto(url)
  }
  return {
    visit: () => visit,
    page: () => visit.page,
    provoke: lines => (provoked = lines),
    open,
    enter: (house, path = '/', options) => open(`${house.url}${path}#token=${house.token}`, options),
  }
}

/** A running house for a suite. */
export function houseOf(...flags: string[]): { up(): Up; replace(house: Up): void; data(): string } {
  let data: Awaited<ReturnType<typeof temporaryData>>
  let house: Up
  beforeAll(async () => {
    data = await temporaryData()
    house = await up(data.dir, ...flags)
  })
  afterAll(async () => {
    await house?.stop()
    await data?.remove()
  })
  return { up: () => house, replace: next => (house = next), data: () => data.dir }
}

export const card = (page: Page, id: string): Locator =>
  page.locator('.card', { has: page.getByRole('link', { name: id, exact: true }) })
export const valueOn = (page: Page, id: string, sensor: string): Locator =>
  card(page, id).locator('.value', { hasText: sensor }).locator('.number')

/** Waits until a node's first value changes by itself. */
export async function changes(page: Page, id: string): Promise<void> {
  const value = valueOn(page, id, 'temperature')
  const before = await value.textContent()
  await expect.poll(() => value.textContent(), patient).not.toBe(before)
}

export const overflow = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')

/** What axe finds that keeps people out, as `rule: element`. */
export async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
  return violations
    .filter(found => found.impact === 'serious' || found.impact === 'critical')
    .flatMap(found => found.nodes.map(node => `${found.id}: ${node.target} ${node.failureSummary}`))
}

/** What a click saves, as lines. */
export async function saved(page: Page, button: Locator): Promise<string[]> {
  const download = page.waitForEvent('download')
  await button.click()
  return (await readFile(await (await download).path(), 'utf8')).trim().split('\n')
}

/** Goes by Tab until the focused element's text fits. */
export async function tabTo(page: Page, name: RegExp): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab')
    if (name.test(await page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent')))
      return
  }
  throw new Error(`no way to ${name} by Tab`)
}
