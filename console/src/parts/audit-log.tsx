import type { AuditEntry } from '../../../src/api/audit.ts'
import type { Answer } from '../state/ask.ts'
import { Ago } from './ago.tsx'
import { ProblemNote } from './problem-note.tsx'

/** Who did what to what, when, and what came of it. */
export function AuditLog({ answer, more }: { answer: Answer<AuditEntry[]>; more: (() => void) | null }) {
  const list = answer.value ?? []
  return (
    <section class="panel" aria-labelledby="audit-title">
      <h2 id="audit-title">Who did what</h2>
      <ProblemNote error={answer.error} what="the audit log" />
      {answer.value && list.length === 0 && (
        <p class="dim">Nothing was changed yet: commands, identities and settings appear here.</p>
      )}
      {list.length > 0 && (
        <div class="scroll">
          <table class="table">
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>What</th>
                <th>Outcome</th>
              </tr>
            </thead>
            <tbody>
              {list.map(entry => (
                <tr key={entry.id}>
                  <td>
                    <Ago time={entry.time} />
                  </td>
                  <td>
                    {entry.who} <span class="dim">{entry.address}</span>
                  </td>
                  <td>
                    <code>{entry.action}</code> {entry.subject} <span class="dim">{entry.detail}</span>
                  </td>
                  <td class={entry.outcome === 'done' ? '' : 'bad'}>{entry.outcome}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {more && (
        <button type="button" class="quiet" onClick={more}>
          Show older
        </button>
      )}
    </section>
  )
}
