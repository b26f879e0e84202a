import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { firing } from '../state/alarms.ts'
import { loaded } from '../state/house.ts'
import { path } from '../state/route.ts'
import { Footer } from './footer.tsx'
import { Arrow, Bell, Board, Chip, Gauge, Grid, More, Sliders, Speech } from './icons.tsx'
import { closeWhenLeft } from './leave.ts'
import { LiveBar } from './live-bar.tsx'
import { Notices } from './notices.tsx'
import { TopBar } from './top-bar.tsx'

interface Place {
  readonly to: string
  readonly says: string
  readonly Icon: () => preact.JSX.Element
}

const places: readonly Place[] = [
  { to: '/', says: 'Overview', Icon: Grid },
  { to: '/messages', says: 'Messages', Icon: Speech },
  { to: '/commands', says: 'Commands', Icon: Arrow },
  { to: '/alerts', says: 'Alerts', Icon: Bell },
  { to: '/boards', says: 'Boards', Icon: Board },
  { to: '/firmware', says: 'Firmware', Icon: Chip },
  { to: '/machine', says: 'Machine', Icon: Gauge },
  { to: '/settings', says: 'Settings', Icon: Sliders },
]
// A thumb hits five places on 390 px, not eight.
const onPhone = 4

/** The frame that stays: top bar, rail (a bar at the bottom on a phone), page, footer. */
export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href="#page">
        To the page
      </a>
      <TopBar />
      <LiveBar />
      <div class="frame">
        <Rail />
        <div class="stage">
          <main id="page" tabIndex={-1}>
            {children}
          </main>
          {/* Before the page is there it would stand where the page will push it from. */}
          {loaded.value && <Footer />}
        </div>
      </div>
      <Notices />
    </>
  )
}

function Rail() {
  return (
    <nav class="rail" aria-label="Pages">
      {places.map((place, i) => (
        <Entry key={place.to} place={place} late={i >= onPhone} />
      ))}
      <MoreEntries />
    </nav>
  )
}

const isHere = (to: string): boolean => (to === '/' ? path.value === '/' || path.value.startsWith('/nodes/') : path.value === to)

function Entry({ place, late }: { place: Place; late: boolean }) {
  const { to, says, Icon } = place
  const count = to === '/alerts' ? firing.value.length : 0
  return (
    <a href={to} class={late ? 'entry late' : 'entry'} aria-current={isHere(to) ? 'page' : undefined}>
      <Icon />
      <span>{says}</span>
      {count > 0 && (
        <span class="count">
          {count}
          <span class="for-readers"> firing</span>
        </span>
      )}
    </a>
  )
}

/** What does not fit the bar of a phone. */
function MoreEntries() {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const late = places.slice(onPhone)
  useEffect(() => (open ? closeWhenLeft(box.current!, () => setOpen(false)) : undefined), [open])
  useEffect(() => setOpen(false), [path.value])
  return (
    <div class="more" ref={box}>
      <button
        type="button"
        class="entry"
        aria-expanded={open}
        aria-current={late.some(({ to }) => isHere(to)) ? 'page' : undefined}
        onClick={() => setOpen(!open)}
      >
        <More />
        <span>More</span>
      </button>
      {open && (
        <div class="panel more-list">
          {late.map(place => (
            <Entry key={place.to} place={place} late={false} />
          ))}
        </div>
      )}
    </div>
  )
}
