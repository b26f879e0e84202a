import { useEffect, useRef, useState } from 'preact/hooks'
import type { Finding } from '../../../src/api/settings.ts'
import { findings, firing } from '../state/alarms.ts'
import { live } from '../state/connection.ts'
import { health, nodes, order } from '../state/house.ts'
import { type Level, silentCount, verdict } from '../state/verdict.ts'
import { Ago } from './ago.tsx'
import { closeWhenLeft } from './leave.ts'
import { StateMark } from './state-mark.tsx'

const shapes: Readonly<Record<Level, string>> = { ok: '✓', warn: '!', bad: '✕' }

/** One look says whether all is well; a click says why not and what to do. */
export function HealthPill() {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  useEffect(() => (open ? closeWhenLeft(box.current!, () => setOpen(false)) : undefined), [open])
  const { level, word } = verdict.value
  return (
    <div ref={box} class="health">
      <button type="button" class={`pill ${level}`} aria-expanded={open} onClick={() => setOpen(!open)}>
        <span class="shape" aria-hidden="true">
          {shapes[level]}
        </span>
        {word}
      </button>
      {open && <Why close={() => setOpen(false)} />}
    </div>
  )
}

function Why({ close }: { close: () => void }) {
  const checks = Object.entries(health.value?.checks ?? {})
  return (
    <div class="panel popover" role="dialog" aria-label="Health">
      {live.value.state === 'lost' && (
        <p>Espalier does not answer. Does it still run, and is this device in its network? What follows is from before.</p>
      )}
      {firing.value.length > 0 && (
        <ul class="why-list">
          {firing.value.slice(0, 5).map(alert => (
            <li key={alert.id}>
              <a href="/alerts" onClick={close}>
                {alert.rule}
              </a>{' '}
              {alert.detail}
            </li>
          ))}
        </ul>
      )}
      {silentCount.value > 0 && <Silent close={close} />}
      {findings.value.length > 0 && (
        <ul class="why-list">
          {findings.value.slice(0, 6).map(finding => (
            <FindingLine key={finding.code + finding.subject} finding={finding} />
          ))}
        </ul>
      )}
      <dl class="checks">
        {checks.map(([name, check]) => (
          <div key={name} class={check.ok ? 'ok' : 'bad'}>
            <dt>
              <span aria-hidden="true">{check.ok ? '✓' : '✕'}</span> {name}
            </dt>
            <dd>{check.detail}</dd>
          </div>
        ))}
      </dl>
    </div>
  )
}

/** What is wrong and what to do about it. */
export function FindingLine({ finding }: { finding: Finding }) {
  return (
    <li class="finding">
      <strong class={finding.severity === 'error' ? 'bad' : 'warn'}>{finding.severity}</strong> <b>{finding.subject}</b>{' '}
      {finding.what} <span class="dim">{finding.fix}</span>
    </li>
  )
}

/** Who should have spoken; `order` has trouble first. */
function Silent({ close }: { close: () => void }) {
  const ids = order.value.filter(id => ['late', 'offline'].includes(nodes.value.get(id)!.peek().state)).slice(0, 5)
  return (
    <ul class="why-list">
      {ids.map(id => {
        const view = nodes.value.get(id)!.value
        return (
          <li key={id}>
            <a href={`/nodes/${id}`} onClick={close}>
              {view.name ?? id}
            </a>{' '}
            <StateMark state={view.state} /> <Ago time={view.last_seen} />
          </li>
        )
      })}
      <li class="dim">Look at power and WiFi of the board first; what it kept meanwhile comes when it is back.</li>
    </ul>
  )
}
