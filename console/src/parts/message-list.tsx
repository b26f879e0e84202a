import type { MessageView } from '../../../src/api/messages.ts'
import { clockTime, counted, spoken, steadyFormatter } from '../format.ts'
import { marked, told } from '../state/messages-said.ts'
import { Ago } from './ago.tsx'

/** What boards said, newest first: a stored message with its points, a rejected one with the place that is wrong and how to mend it. */
export function MessageList({ list }: { list: readonly MessageView[] }) {
  return (
    <ol class="messages">
      {list.map(message => (
        <Message key={message.id} message={message} />
      ))}
    </ol>
  )
}

function Message({ message }: { message: MessageView }) {
  const { node, topic, user, address, verdict, reason, detail, count, time } = message
  const { word, tone } = told[verdict]
  return (
    <li class={`message ${tone}`}>
      <div class="message-head">
        <strong class={`verdict ${tone}`}>
          <span class="dot" aria-hidden="true" />
          {word}
        </strong>
        {node !== null && <a href={`/nodes/${node}`}>{node}</a>}
        <code class="topic">{topic ?? [user, address].filter(Boolean).join(' from ')}</code>
        {count > 1 && <span class="dim">{count}×</span>}
        <Ago time={time} aside />
      </div>
      {detail !== null && (
        <p class="mend">
          {reason && <a href={`/reference#${reason}`}>{reason}</a>} {detail}
        </p>
      )}
      <Points message={message} />
      <Raw message={message} />
    </li>
  )
}

const format = steadyFormatter()
const shownPoints = 4

function Points({ message: { points } }: { message: MessageView }) {
  if (points.length === 0) return null
  return (
    <ul class="points">
      {points.slice(0, shownPoints).map(point => (
        <li key={point.time}>
          {points.length > 1 && <span class="dim">{clockTime(point.time)} </span>}
          {Object.entries(point.fields).map(([name, value]) => (
            <span key={name} class="point">
              <span class="dim">{spoken(name)}</span> {format(name, value)}
            </span>
          ))}
        </li>
      ))}
      {points.length > shownPoints && <li class="dim">and {counted(points.length - shownPoints, 'more reading')}</li>}
    </ul>
  )
}

function Raw({ message }: { message: MessageView }) {
  if (message.raw === null) return null
  const [before, wrong, after] = marked(message)
  return (
    <pre class="raw">
      {before}
      {wrong && <mark>{wrong}</mark>}
      {after}
    </pre>
  )
}
