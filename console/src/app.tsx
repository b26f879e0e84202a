import type { ComponentType } from 'preact'
import { useEffect } from 'preact/hooks'
import { NotFound } from './pages/not-found.tsx'
import { Overview } from './pages/overview.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { lazy } from './parts/lazy.tsx'
import { Shell } from './parts/shell.tsx'
import { session } from './state/connection.ts'
import { follow } from './state/house.ts'
import { path } from './state/route.ts'
import { siteName } from './state/site.ts'

const pages: Readonly<Record<string, readonly [title: string, page: ComponentType]>> = {
  '/': ['Overview', Overview],
  '/messages': ['Messages', lazy(async () => (await import('./pages/messages.tsx')).Messages)],
  '/commands': ['Commands', lazy(async () => (await import('./pages/commands.tsx')).Commands)],
  '/alerts': ['Alerts', lazy(async () => (await import('./pages/alerts.tsx')).Alerts)],
  '/boards': ['Boards', lazy(async () => (await import('./pages/boards.tsx')).Boards)],
  '/firmware': ['Firmware', lazy(async () => (await import('./pages/firmware.tsx')).Firmware)],
  '/machine': ['Broker & machine', lazy(async () => (await import('./pages/machine.tsx')).Machine)],
  '/settings': ['Settings', lazy(async () => (await import('./pages/settings.tsx')).Settings)],
  '/reference': ['Reference', lazy(async () => (await import('./pages/reference.tsx')).Reference)],
}
const NodePage = lazy(async () => (await import('./pages/node.tsx')).NodePage)

/** Who is signed in sees the house; who is not is asked for the token. */
export function App() {
  if (session.value === 'asking') return null
  return session.value === 'in' ? <House /> : <SignIn />
}

function House() {
  useEffect(() => {
    void follow()
    return whenIdle(fetchAhead)
  }, [])
  const [title, Page] = pageAt(path.value)
  useEffect(() => {
    document.title = `${title} – ${siteName.value}`
  }, [title, siteName.value])
  return (
    <Shell>
      <Page key={title} />
    </Shell>
  )
}

function pageAt(at: string): readonly [title: string, page: ComponentType] {
  const node = /^\/nodes\/([A-Za-z0-9_-]+)$/.exec(at)?.[1]
  return node === undefined ? (pages[at] ?? ['No such page', NotFound]) : [node, NodePage]
}

/** Pages opened later are there at once, and also while the server is away. */
function fetchAhead(): void {
  for (const page of [NodePage, ...Object.values(pages).map(([, page]) => page)])
    if ('fetchNow' in page) (page.fetchNow as () => void)()
}

function whenIdle(work: () => void): () => void {
  const timer = setTimeout(work, 2500)
  return () => clearTimeout(timer)
}
