import { useState } from 'preact/hooks'
import type { AlertChannelView, ChannelTest } from '../../../src/api/alerts.ts'
import { useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { Ago } from './ago.tsx'
import { Copyable } from './copyable.tsx'
import { ProblemNote } from './problem-note.tsx'

const example = `alerts:
  channels:
    phone:
      type: ntfy
      topic: a-name-nobody-guesses`

/** Where alerts go, and whether they arrive there. */
export function AlertChannels({ list, tested }: { list: readonly AlertChannelView[]; tested: () => void }) {
  if (list.length === 0)
    return (
      <div class="empty-part">
        <p>
          Alerts are shown here and nowhere else. For a message on a phone, add to <code>espalier.yaml</code>:
        </p>
        <Copyable text={example} />
      </div>
    )
  return (
    <ul class="channel-list">
      {list.map(channel => (
        <Channel key={channel.name} channel={channel} tested={tested} />
      ))}
    </ul>
  )
}

function Channel({ channel, tested }: { channel: AlertChannelView; tested: () => void }) {
  const act = useAct()
  const [outcome, setOutcome] = useState<ChannelTest | null>(null)
  const test = async () => {
    setOutcome((await act.run(() => client.testChannel(channel.name))) ?? null)
    tested()
  }
  const { name, type, target, from, last } = channel
  return (
    <li>
      <p class="alert-head">
        <b>{name}</b> <span>{type}</span> <code>{target}</code> <code class="dim">{from}</code>
        <button type="button" class="second" disabled={act.busy} onClick={() => void test()}>
          {act.busy ? 'Sending …' : 'Send a test'}
        </button>
      </p>
      {outcome && (
        <p class={outcome.ok ? 'ok' : 'bad'} role="status">
          {outcome.ok ? '✓ It arrived. ' : '✕ '}
          {outcome.detail}
        </p>
      )}
      {!outcome && last && (
        <p class={last.ok ? 'dim' : 'bad'}>
          {last.ok ? 'last told' : `✕ ${last.detail}`} <Ago time={last.time} />
        </p>
      )}
      <ProblemNote error={act.error} />
    </li>
  )
}
