import type { RejectView } from '../../../src/api/rejects.ts'
import { counted } from '../format.ts'
import { Ago } from './ago.tsx'

/** What boards sent that could not be stored, why, and what to change. These are kept over restarts, unlike the live list. */
export function RejectList({ list }: { list: readonly RejectView[] }) {
  if (list.length === 0)
    return <p class="dim">Every message so far could be read. One that can't is kept here, with the reason and how to mend it.</p>
  return (
    <ul class="rejects">
      {list.map(reject => (
        <Reject key={reject.id} reject={reject} />
      ))}
    </ul>
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
          <Ago time={reject.time} aside />
        </summary>
        <p class="mend">
          <a href={`/reference#${reject.reason}`}>{reject.reason}</a> {reject.detail}
        </p>
        {reject.topic && <p class="dim">{reject.topic}</p>}
        <pre class="raw">
          {textOf(reject.raw_base64)}
          {reject.truncated && '…'}
        </pre>
      </details>
    </li>
  )
}

const textOf = (base64: string): string => new TextDecoder().decode(Uint8Array.from(atob(base64), char => char.charCodeAt(0)))
