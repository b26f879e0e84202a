import { useEffect } from 'preact/hooks'
import type { AlertChannelView, AlertRuleView, AlertView } from '../../../src/api/alerts.ts'
import { Ago } from '../parts/ago.tsx'
import { AlertChannels } from '../parts/alert-channels.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { SilenceButton } from '../parts/silence-button.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { alerts, loadAlerts } from '../state/alarms.ts'
import { type Answer, arrived, useAct, useAnswer } from '../state/ask.ts'
import { client, connections, now } from '../state/connection.ts'

/** What is wrong now, by which rule, where that rule comes from, and who is told. */
export function Alerts() {
  const act = useAct()
  const connection = connections.value
  useEffect(() => void act.run(loadAlerts), [connection])
  const rules = useAnswer(client.alertRules, [alerts.value])
  const channels = useAnswer(client.alertChannels, [], 30_000)
  const changed = () => {
    rules.reload()
    void act.run(loadAlerts)
  }
  if (!arrived(rules, channels)) return <Waiting rows={10} />
  const open = alerts.value.filter(one => one.state !== 'resolved')
  const past = alerts.value.filter(one => one.state === 'resolved').slice(0, 20)
  return (
    <>
      <h1>Alerts</h1>
      <ProblemNote error={act.error} what="alerts" />
      {!act.error && (
        <section class="panel" aria-label="Now">
          <h2>Now</h2>
          {open.length === 0 ? <p class="dim">Nothing is wrong by any rule.</p> : <List list={open} changed={changed} />}
        </section>
      )}
      <Rules rules={rules} changed={changed} />
      <Channels channels={channels} />
      {past.length > 0 && (
        <section class="panel" aria-label="Resolved">
          <h2>Resolved</h2>
          <List list={past} changed={changed} />
        </section>
      )}
    </>
  )
}

const shapes: Readonly<Record<AlertView['state'], readonly [string, string]>> = {
  firing: ['▲', 'bad'],
  pending: ['△', 'warn'],
  resolved: ['✓', 'ok'],
}

function List({ list, changed }: { list: readonly AlertView[]; changed: () => void }) {
  return (
    <ul class="alert-list">
      {list.map(alert => (
        <li key={alert.id}>
          <p class="alert-head">
            <strong class={shapes[alert.state][1]}>
              <span aria-hidden="true">{shapes[alert.state][0]}</span> {alert.state}
            </strong>
            <b>{alert.rule}</b>
            {alert.node !== null && <a href={`/nodes/${alert.node}`}>{alert.node}</a>}
            <Ago time={alert.resolved_at ?? alert.fired_at ?? alert.since} aside />
          </p>
          <p>{alert.detail}</p>
          {alert.notified.length > 0 && (
            <p class="dim">
              {alert.notified.map(one => `${one.channel}: ${one.ok ? `told ${one.event}` : one.detail}`).join(' · ')}
            </p>
          )}
          {alert.state !== 'resolved' && (
            <SilenceButton rule={alert.rule} node={alert.node} until={alert.silenced_until} changed={changed} />
          )}
        </li>
      ))}
    </ul>
  )
}

const example = `alerts:
  rules:
    - name: too-hot
      kind: threshold
      nodes: tag:garden
      sensor: temperature
      above: 35
      clear: 33
      for: 10m`

function Rules({ rules, changed }: { rules: Answer<AlertRuleView[]>; changed: () => void }) {
  return (
    <section class="panel" aria-label="Rules">
      <h2>Rules in force</h2>
      <ProblemNote error={rules.error} what="rules" />
      {rules.value && (
        <div class="scroll">
          <table class="table">
            <thead>
              <tr>
                <th>Rule</th>
                <th>For</th>
                <th>Tells</th>
                <th>From</th>
                <th>Now</th>
                <th />
              </tr>
            </thead>
            <tbody>
              {rules.value.map(rule => (
                <Rule key={rule.name} rule={rule} changed={changed} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      <details>
        <summary>Write one of your own</summary>
        <p>
          In <code>espalier.yaml</code>, then reload the configuration under <a href="/settings">Settings</a>:
        </p>
        <Copyable text={example} />
      </details>
    </section>
  )
}

function Rule({ rule, changed }: { rule: AlertRuleView; changed: () => void }) {
  return (
    <tr>
      <td>
        <b>{rule.name}</b>
        <div class="dim">{rule.text}</div>
      </td>
      <td data-is="for">{rule.nodes}</td>
      <td data-is="tells">{rule.channels.join(', ') || <span class="dim">this page only</span>}</td>
      <td data-is="from">
        <code>{rule.from}</code>
      </td>
      <td data-is="now">
        {rule.firing > 0 ? <strong class="bad">▲ {rule.firing}</strong> : <span class="dim">quiet</span>}
        {rule.silenced_until !== null && rule.silenced_until > now.value && <span class="tag">silenced</span>}
      </td>
      <td>
        <SilenceButton rule={rule.name} node={null} until={rule.silenced_until} changed={changed} />
      </td>
    </tr>
  )
}

function Channels({ channels }: { channels: Answer<AlertChannelView[]> }) {
  return (
    <section class="panel" aria-label="Channels">
      <h2>Channels</h2>
      <ProblemNote error={channels.error} what="channels" />
      {channels.value && <AlertChannels list={channels.value} tested={channels.reload} />}
    </section>
  )
}
