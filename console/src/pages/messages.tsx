import { useEffect } from 'preact/hooks'
import { verdicts } from '../../../src/api/messages.ts'
import { EmptyHouse } from '../parts/empty-house.tsx'
import { MessageList } from '../parts/message-list.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RejectList } from '../parts/reject-list.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAct, useAnswer } from '../state/ask.ts'
import { client, connections } from '../state/connection.ts'
import { behind, held, hold, loadMessages, messages, openFeed } from '../state/feed.ts'
import { nodes, rejects } from '../state/house.ts'
import { told } from '../state/messages-said.ts'
import { query, setQuery } from '../state/route.ts'

/** What your boards just said. This page is where somebody with a first sketch sits. */
export function Messages() {
  const act = useAct()
  const connection = connections.value
  useEffect(() => openFeed(null), [])
  useEffect(() => void act.run(loadMessages), [connection])
  useEffect(() => () => hold(false), [])
  const node = query.value.get('node') ?? ''
  const verdict = query.value.get('verdict') ?? ''
  const all = messages.value
  const list = all.filter(one => (node === '' || one.node === node) && (verdict === '' || one.verdict === verdict))
  return (
    <>
      <header class="page-head">
        <h1>What your boards just said</h1>
        <Filters node={node} verdict={verdict} />
      </header>
      <ProblemNote error={act.error} what="the live list" />
      {all.length === 0 && act.busy && <Waiting rows={6} />}
      {all.length === 0 && !act.busy && !act.error && <EmptyHouse />}
      {all.length > 0 && list.length === 0 && (
        <p class="panel dim">
          Nothing of the last {all.length} fits this filter.{' '}
          <button type="button" class="link" onClick={() => setQuery({ node: null, verdict: null })}>
            Show all
          </button>
        </p>
      )}
      {list.length > 0 && (
        <section class="panel" aria-label="Messages">
          <MessageList list={list.slice(0, 100)} />
        </section>
      )}
      <Kept node={node} />
    </>
  )
}

function Filters({ node, verdict }: { node: string; verdict: string }) {
  const ids = [...nodes.value.keys()].sort()
  return (
    <div class="filters">
      <label>
        Node{' '}
        <select value={node} onChange={event => setQuery({ node: event.currentTarget.value || null })}>
          <option value="">all</option>
          {ids.map(id => (
            <option key={id} value={id}>
              {id}
            </option>
          ))}
        </select>
      </label>
      <label>
        Verdict{' '}
        <select value={verdict} onChange={event => setQuery({ verdict: event.currentTarget.value || null })}>
          <option value="">all</option>
          {verdicts.map(one => (
            <option key={one} value={one}>
              {told[one].word}
            </option>
          ))}
        </select>
      </label>
      <button type="button" class="second" aria-pressed={held.value} onClick={() => hold(!held.value)}>
        {held.value ? `Go on (${behind.value} new)` : 'Pause'}
      </button>
    </div>
  )
}

/** Rejects are kept on disk: what went wrong last night is here, when the live list has long moved on. */
function Kept({ node }: { node: string }) {
  const newest = rejects.value[0]?.id
  const answer = useAnswer(() => client.rejects({ ...(node && { node }), limit: 50 }), [node, newest])
  return (
    <section class="panel" id="not-understood" aria-labelledby="kept-title">
      <h2 id="kept-title">Not understood, kept</h2>
      {answer.value ? <RejectList list={answer.value} /> : !answer.error && <Waiting rows={2} />}
      <ProblemNote error={answer.error} />
    </section>
  )
}
