import type { RejectView } from '../../../src/api/rejects.ts'
import { counted } from '../format.ts'
import { rejects } from '../state/house.ts'
import { Ago } from './ago.tsx'

/** What boards sent that could not be stored, why, and what to change: where somebody with a first sketch looks. */
export function RejectList() {
  return (
    <section class="panel rejects" id="not-understood" aria-labelledby="rejects-title">
      <h2 id="rejects-title">Not understood</h2>
      {rejects.value.length === 0 ? (
        <p class="dim">Every message so far could be read. One that can't is kept here, with the reason and how to mend it.</p>
      ) : (
        <ul>
          {rejects.value.slice(0, 20).map(reject => (
            <Reject key={reject.id} reject={reject} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Reject({ reject }: { reject: RejectView }) {
  return (
    <li>
      <details>
        <summary>
          <span class="who">{reject.node ?? reject.topic ?? 'unknown'}</span>
          <code class="reason">{reject.reason}</code>
          {reject.count > 1 && <span class="dim">{counted(reject.count, 'reading')}</span>}
          <span class="why">{reject.detail}</span>
          <Ago time={reject.time} />
        </summary>
        <p>{reject.detail}</p>
        {reject.topic && <p class="dim">{reject.topic}</p>}
        <pre>
          {textOf(reject.raw_base64)}
          {reject.truncated && '…'}
        </pre>
      </details>
    </li>
  )
}

function textOf(base64: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(base64), char => char.charCodeAt(0)))
}
