import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** Debian's chromium under playwright's hand. A suite that needs it is skipped by name where it is not installed. */
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const hasChromium = existsSync(executablePath)

/** A browser with a profile of its own (playwright makes one and removes it) that talks to nobody but the page under test. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
    ],
  })

export interface Visit {
  readonly page: Page
  /** What the browser threw, blocked (the content security policy) or printed as an error, as it comes. */
  readonly complaints: readonly string[]
  /** How much of what was already drawn moved by itself (CLS): 0 is nothing, 0.1 a tenth of the screen. */
  moved(): Promise<number>
  leave(): Promise<void>
}

/** A fresh visitor: no cookie, no storage. Opens nothing yet. */
export async function visitor(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', error => complaints.push(error.message))
  await page.addInitScript(countMoves)
  return { page, complaints, moved: () => page.evaluate<number>('moved'), leave: () => context.close() }
}

const countMoves = `
  window.moved = 0
  new PerformanceObserver(list => {
    for (const shift of list.getEntries()) if (!shift.hadRecentInput) window.moved += shift.value
  }).observe({ type: 'layout-shift', buffered: true })
`
