import { computed, signal } from '@preact/signals'

/** Where the page is. Addresses are real (`/nodes/01?last=6h`), moved through with the browser's history. */
const place = signal({ path: location.pathname, query: location.search })

export const path = computed(() => place.value.path)
export const query = computed(() => new URLSearchParams(place.value.query))

const read = () => {
  const next = { path: location.pathname, query: location.search }
  const now = place.peek()
  if (next.path !== now.path || next.query !== now.query) place.value = next
}

/** Opens another page of the console. */
export function go(to: string): void {
  const before = place.peek().path
  history.pushState(null, '', to)
  read()
  if (location.pathname === before) return
  scrollTo(0, 0)
  // Whoever reads by ear or goes by keyboard starts at the new page, not at the link that is gone.
  document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
}

/** Changes what stands behind the `?`; null takes it away. `push` makes it a step that Back undoes. */
export function setQuery(changes: Readonly<Record<string, string | null>>, push = false): void {
  const next = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(changes)) value === null ? next.delete(name) : next.set(name, value)
  const text = next.toString()
  history[push ? 'pushState' : 'replaceState'](null, '', location.pathname + (text && `?${text}`))
  read()
}

addEventListener('popstate', read)

document.addEventListener('click', event => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element).closest('a')
  const to = link?.getAttribute('href')
  if (!link || !to?.startsWith('/') || to.startsWith('/api/') || link.target || link.hasAttribute('download')) return
  event.preventDefault()
  go(to)
  const named = location.hash && document.getElementById(location.hash.slice(1))
  if (named) named.scrollIntoView()
})
