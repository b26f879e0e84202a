import { useEffect, useRef, useState } from 'preact/hooks'
import type { Health } from '../../../src/api/health.ts'
import { live } from '../state/connection.ts'
import { countOf, health, nodes, order } from '../state/house.ts'
import { select } from '../state/selection.ts'
import { Ago } from './ago.tsx'
import { StateMark } from './state-mark.tsx'

/** One look says whether all is well; a click says why not and what to do. */
export function HealthPill() {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => (open ? closeWhenLeft(box.current!, () => setOpen(false)) : undefined), [open])
  const state = health.value
  const { level, word } = verdict(state)
  return (
    <div ref={box} class="health">
      <button type="button" class={`pill ${level}`} aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="shape" aria-hidden="true">
          {level === 'ok' ? '✓' : level === 'warn' ? '!' : '✕'}
        </span>
        {word}
      </button>
      {open && state && (
        <div class="panel popover" role="dialog" aria-label="Health">
          {live.value.state === 'lost' && (
            <p>Espalier does not answer. Does it still run, and is this device in its network? What follows is from before.</p>
          )}
          {silentCount() > 0 && <Silent />}
          <dl>
            {Object.entries(state.checks).map(([name, check]) => (
              <div key={name} class={check.ok ? 'ok' : 'bad'}>
                <dt>
                  <span aria-hidden="true">{check.ok ? '✓' : '✕'}</span> {capital(name)}
                </dt>
                <dd>{check.detail}</dd>
              </div>
            ))}
          </dl>
        </div>
      )}
    </div>
  )
}

const silentCount = (): number => countOf('late') + countOf('offline')

/** The worst of it, in a word or two. What was well before the line broke is not known to be well now. */
function verdict(state: Health | null): { level: 'ok' | 'warn' | 'bad'; word: string } {
  if (live.value.state === 'lost') return { level: 'bad', word: 'No connection' }
  if (state === null) return { level: 'ok', word: '…' }
  const bad = Object.keys(state.checks).find(name => !state.checks[name as keyof Health['checks']]!.ok)
  if (bad !== undefined) return { level: state.status === 'down' ? 'bad' : 'warn', word: `${capital(bad)}: look here` }
  const silent = silentCount()
  if (silent === 0) return { level: 'ok', word: 'All well' }
  const alike = (['late', 'offline'] as const).find(one => countOf(one) === silent)
  return { level: 'warn', word: `${silent} ${alike ?? 'silent'}` }
}

/** Who should have spoken; `order` has trouble first. */
function Silent() {
  const ids = order.value.filter(id => ['late', 'offline'].includes(nodes.value.get(id)!.peek().state)).slice(0, 5)
  return (
    <ul class="silent">
      {ids.map(id => {
        const view = nodes.value.get(id)!.value
        return (
          <li key={id}>
            <button type="button" class="link" onClick={() => select(id)}>
              {view.name ?? id}
            </button>{' '}
            <StateMark state={view.state} /> <Ago time={view.last_seen} />
          </li>
        )
      })}
      <li class="dim">Look at power and WiFi of the board first; what it kept meanwhile comes when it is back.</li>
    </ul>
  )
}

function closeWhenLeft(box: HTMLElement, close: () => void): () => void {
  const onKey = (event: KeyboardEvent) => event.key === 'Escape' && close()
  const onPress = (event: Event) => !box.contains(event.target as Node) && close()
  document.addEventListener('keydown', onKey)
  document.addEventListener('pointerdown', onPress)
  return () => {
    document.removeEventListener('keydown', onKey)
    document.removeEventListener('pointerdown', onPress)
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
