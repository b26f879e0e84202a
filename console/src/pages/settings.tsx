import { useState } from 'preact/hooks'
import type { SettingView } from '../../../src/api/settings.ts'
import { AuditLog } from '../parts/audit-log.tsx'
import { Backups } from '../parts/backups.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { TokenPanel } from '../parts/token-panel.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { type Answer, arrived, useAct, useAnswer } from '../state/ask.ts'
import { client } from '../state/connection.ts'

/** What is set and where it comes from, backups, the token, and who did what. */
export function Settings() {
  const settings = useAnswer(client.settings, [])
  const backups = useAnswer(client.backups, [], 60_000)
  const [auditLimit, setAuditLimit] = useState(20)
  const audit = useAnswer(() => client.audit({ limit: auditLimit }), [auditLimit], 15_000)
  if (!arrived(settings, backups, audit)) return <Waiting rows={10} />
  return (
    <>
      <h1>Settings</h1>
      <div class="halves">
        <Backups answer={backups} />
        <TokenPanel />
      </div>
      <InForce settings={settings} />
      <AuditLog answer={audit} more={(audit.value?.length ?? 0) >= auditLimit ? () => setAuditLimit(auditLimit + 40) : null} />
    </>
  )
}

function InForce({ settings }: { settings: Answer<SettingView[]> }) {
  const [all, setAll] = useState(false)
  const list = settings.value?.filter(one => all || one.from !== 'default') ?? []
  return (
    <section class="panel" aria-labelledby="settings-title">
      <div class="section-head">
        <h2 id="settings-title">In force</h2>
        <label class="tick">
          <input type="checkbox" checked={all} onChange={event => setAll(event.currentTarget.checked)} /> also defaults
        </label>
        <ReloadButton done={settings.reload} />
      </div>
      <ProblemNote error={settings.error} what="settings" />
      {settings.value && list.length === 0 && <p class="dim">Everything stands as it is by default.</p>}
      {list.length > 0 && (
        <div class="scroll">
          <table class="table settings">
            <thead>
              <tr>
                <th>Setting</th>
                <th>Value</th>
                <th>From</th>
                <th>A change needs</th>
              </tr>
            </thead>
            <tbody>
              {list.map(one => (
                <tr key={one.key}>
                  <td>
                    <code>{one.key}</code>
                    <div class="dim">{one.help}</div>
                  </td>
                  <td>
                    <code>
                      {one.value === null ? 'not shown' : typeof one.value === 'string' ? one.value : JSON.stringify(one.value)}
                    </code>
                  </td>
                  <td data-is="from">
                    <code>{one.from}</code>
                  </td>
                  <td data-is="a change needs">{one.reload ? 'a reload' : 'a restart'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}

/** Takes over what can be taken over while it runs, and says what can't. */
function ReloadButton({ done }: { done: () => void }) {
  const act = useAct()
  const [said, setSaid] = useState('')
  const reload = async () => {
    const result = await act.run(client.reloadConfig)
    if (!result) return
    const { applied, needs_restart: later } = result
    const parts = [
      applied.length > 0 && `In force now: ${applied.join(', ')}.`,
      later.length > 0 && `Needs a restart: ${later.join(', ')}.`,
    ].filter(Boolean)
    setSaid(parts.join(' ') || 'Nothing has changed.')
    done()
  }
  return (
    <>
      <button type="button" class="second" disabled={act.busy} onClick={() => void reload()}>
        Read espalier.yaml again
      </button>
      <p role="status" class="said">
        {said}
      </p>
      <ProblemNote error={act.error} what="reloading" />
    </>
  )
}
