import { useComputed } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { CommandView } from '../../../src/api/commands.ts'
import type { NodeDetail, NodeView } from '../../../src/api/nodes.ts'
import { Charts } from '../parts/charts.tsx'
import { CommandForm } from '../parts/command-form.tsx'
import { CommandList } from '../parts/command-list.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { MessageList } from '../parts/message-list.tsx'
import { NodeHead } from '../parts/node-head.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { RejectList } from '../parts/reject-list.tsx'
import { UpdateCard } from '../parts/update-card.tsx'
import { Value } from '../parts/value.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { type Answer, arrived, useAnswer } from '../state/ask.ts'
import { mergeCommands } from '../state/command-log.ts'
import { client, connections } from '../state/connection.ts'
import { detailOf, wantDetail } from '../state/details.ts'
import { loadMessages, messages, openFeed } from '../state/feed.ts'
import { commands, loaded, nodes, rejects } from '../state/house.ts'
import { path } from '../state/route.ts'
import { statusLines } from '../state/status-said.ts'
import { byProminence, colourOf, guessUnit } from '../units.ts'

/** What is this node doing, and did my command happen? */
export function NodePage() {
  const id = path.value.slice('/nodes/'.length)
  const known = nodes.value.get(id)
  if (!loaded.value) return <Waiting rows={6} />
  if (!known) return <Unknown id={id} />
  return <Known key={id} view={known.value} />
}

function Unknown({ id }: { id: string }) {
  return (
    <section class="panel empty">
      <h1>{id} has not spoken yet</h1>
      <p>
        This page fills by itself when a board with this id sends its first message. It needs a credential first:{' '}
        <a href="/boards">add it</a>, or on this machine
      </p>
      <Copyable text={`npx --no-install espalier node add ${id} --sketch`} />
      <p>
        It did send something? <a href="/messages">What your boards just said</a> shows also what could not be read.
      </p>
    </section>
  )
}

const detailEveryMs = 20_000
const lastCommands = 10

function Known({ view }: { view: NodeView }) {
  const { id } = view
  const detail = useAnswer(() => client.node(id), [id], detailEveryMs)
  // The oldest reading, where a young chart begins.
  useEffect(() => wantDetail(id), [id])
  const since = detailOf(id).value?.oldest ?? view.first_seen
  const asked = useAnswer(() => client.commands({ node: id, limit: lastCommands }), [id])
  if (!arrived(detail, asked)) return <Waiting rows={12} />
  const sensors = sensorsOf(view, detail.value)
  return (
    <>
      <NodeHead view={view} status={detail.value?.status ?? null} reload={detail.reload} />
      <div class="node-page">
        <div class="column">
          {sensors.length === 0 ? <NoReading id={id} /> : <Now view={view} sensors={sensors} />}
          {sensors.length > 0 && (
            <Charts
              node={id}
              sensors={sensors}
              intervalMs={view.interval === null ? null : view.interval * 1000}
              since={since}
              gaps={detail.value?.ledger.gaps ?? none}
            />
          )}
        </div>
        <div class="column aside">
          <Commands id={id} detail={detail.value} asked={asked.value ?? none} />
          {!view.virtual && <Firmware view={view} detail={detail.value} asked={asked.value ?? none} />}
          <Status detail={detail} />
          <Rejects id={id} />
          <Said id={id} />
        </div>
      </div>
    </>
  )
}

const none: never[] = []

/** Declared ones in the board's order, then what it only ever sent. */
function sensorsOf(view: NodeView, detail: NodeDetail | null): { name: string; unit: string }[] {
  const declared = detail?.sensors ?? []
  const sent = Object.keys(view.last).filter(name => !declared.some(one => one.name === name))
  const units = new Map(declared.map(one => [one.name, one.unit]))
  const first = declared.filter(one => one.unit !== null).map(one => one.name)
  const rest = [...declared.filter(one => one.unit === null).map(one => one.name), ...sent].sort(byProminence)
  return [...first, ...rest]
    .filter(name => name !== 'wifi_rssi' && name !== 'uptime')
    .map(name => ({ name, unit: units.get(name) || guessUnit(name) }))
}

function Now({ view, sensors }: { view: NodeView; sensors: readonly { name: string; unit: string }[] }) {
  return (
    <section class="panel now" aria-label="Now">
      {sensors.map(({ name, unit }) => (
        <div key={name} class="now-value" style={{ '--own': `var(${colourOf(name)})` }}>
          <Value name={name} value={view.last[name]} unit={unit} within="text" />
        </div>
      ))}
    </section>
  )
}

function NoReading({ id }: { id: string }) {
  return (
    <section class="panel empty">
      <h2>No reading came yet</h2>
      <p>
        It belongs on <code>iot/node/{id}/telemetry</code>, for example
      </p>
      <Copyable
        text={`npx --no-install espalier pub iot/node/${id}/telemetry '{"node_id":"node_${id}","sensors":{"temperature":22.5}}'`}
      />
    </section>
  )
}

function Commands({ id, detail, asked }: { id: string; detail: NodeDetail | null; asked: readonly CommandView[] }) {
  const list = mergeCommands(asked, commands.value, command => command.node === id).slice(0, lastCommands)
  return (
    <section class="panel commands" aria-labelledby="commands-title">
      <h2 id="commands-title">Commands</h2>
      <CommandForm id={id} outputs={outputsOf(detail)} />
      {list.length === 0 ? <p class="dim">Nothing was sent to this node yet.</p> : <CommandList list={list} />}
    </section>
  )
}

function Firmware({ view, detail, asked }: { view: NodeView; detail: NodeDetail | null; asked: readonly CommandView[] }) {
  const list = mergeCommands(asked, commands.value, command => command.node === view.id)
  return <UpdateCard view={view} status={detail?.status ?? null} commands={list} />
}

function outputsOf(detail: NodeDetail | null): string[] {
  const outputs = detail?.status?.outputs
  return Array.isArray(outputs) ? outputs.flatMap(one => (typeof one?.name === 'string' ? [one.name] : [])) : []
}

function Status({ detail }: { detail: Answer<NodeDetail> }) {
  const status = detail.value?.status
  return (
    <section class="panel" aria-labelledby="status-title">
      <h2 id="status-title">Status</h2>
      <ProblemNote error={detail.error} />
      {detail.value && !status && <p class="dim">This board never sent a status: only what it measures is known.</p>}
      {status && (
        <dl class="facts-list">
          {statusLines(status).map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{text}</dd>
            </div>
          ))}
        </dl>
      )}
      {detail.value && <Account detail={detail.value} />}
    </section>
  )
}

/** The ledger in a sentence: it is what "nothing lost" rests on. */
function Account({ detail: { ledger } }: { detail: NodeDetail }) {
  if (ledger.expected === 0) return null
  return (
    <p class="account dim">
      Of {ledger.expected.toLocaleString('en')} numbered readings {ledger.stored.toLocaleString('en')} are stored,{' '}
      {ledger.missing} missing, {ledger.lost} lost.
    </p>
  )
}

function Said({ id }: { id: string }) {
  const connection = connections.value
  useEffect(() => openFeed(id), [id])
  useEffect(() => void loadMessages().catch(() => undefined), [id, connection])
  const list = useComputed(() => messages.value.filter(one => one.node === id).slice(0, 5)).value
  if (list.length === 0) return null
  return (
    <section class="panel" aria-labelledby="said-title">
      <h2 id="said-title">
        What it just said <a href={`/messages?node=${id}`}>all</a>
      </h2>
      <MessageList list={list} />
    </section>
  )
}

function Rejects({ id }: { id: string }) {
  const newest = useComputed(() => rejects.value.find(one => one.node === id)?.id).value
  const answer = useAnswer(() => client.rejects({ node: id, limit: 10 }), [id, newest])
  return (
    <section class="panel" aria-labelledby="rejects-title">
      <h2 id="rejects-title">Not understood</h2>
      {answer.value && <RejectList list={answer.value} />}
      <ProblemNote error={answer.error} />
    </section>
  )
}
