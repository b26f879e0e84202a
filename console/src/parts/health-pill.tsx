import { useState } from 'preact/hooks'
import { countOf, health } from '../state/house.ts'

/** One look says whether all is well; a click says why not and what to do. */
export function HealthPill() {
  const [open, setOpen] = useState(false)
  const state = health.value
  const late = countOf('late') + countOf('offline')
  const bad = Object.entries(state?.checks ?? {}).filter(([, check]) => !check.ok)
  const level = state?.status === 'down' ? 'bad' : bad.length > 0 || late > 0 ? 'warn' : 'ok'
  const word =
    state === null ? '…' : bad.length > 0 ? `${capital(bad[0]![0])}: look here` : late > 0 ? `${late} silent` : 'All well'
  return (
    <div class="health">
      <button type="button" class={`pill ${level}`} aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="shape" aria-hidden="true">
          {level === 'ok' ? '✓' : level === 'warn' ? '!' : '✕'}
        </span>
        {word}
      </button>
      {open && state && (
        <div class="panel popover" role="dialog" aria-label="Health">
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

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
