import { useEffect, useRef, useState } from 'preact/hooks'
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
  const silent = countOf('late') + countOf('offline')
  const allOf = (['late', 'offline'] as const).find(one => countOf(one) === silent)
  const bad = Object.entries(state?.checks ?? {}).filter(([, check]) => !check.ok)
  const level = state?.status === 'down' ? 'bad' : bad.length > 0 || silent > 0 ? 'warn' : 'ok'
  const word =
    state === null
      ? '…'
      : bad.length > 0
        ? `${capital(bad[0]![0])}: look here`
        : silent > 0
          ? `${silent} ${allOf ?? 'silent'}`
          : 'All well'
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
          {silent > 0 && <Silent />}
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
