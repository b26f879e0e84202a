import { signal } from '@preact/signals'
import { asks } from './asks.ts'

const key = 'espalier-site'

/** What the house is called. Kept in the browser, so that it stands there at once. */
export const siteName = signal(localStorage.getItem(key) ?? 'Espalier')

export async function askSiteName(): Promise<void> {
  const { name } = await asks.machine()
  if (!name) return
  siteName.value = name
  localStorage.setItem(key, name)
}
