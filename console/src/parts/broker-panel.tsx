import { broker } from '../state/house.ts'
import { bytes } from './amount.ts'
import { Figure } from './figure.tsx'
import { Waiting } from './waiting.tsx'

const rate = (value: number | null): string | null => (value === null ? null : value.toFixed(value < 10 ? 1 : 0))

/** The broker's own figures, as it sends them every few seconds. */
export function BrokerPanel() {
  const view = broker.value
  return (
    <section class="panel" aria-labelledby="broker-title">
      <h2 id="broker-title">Broker{view && `, ${view.kind} ${view.version}`}</h2>
      {!view && <Waiting rows={4} />}
      {view && !view.up && <p class="problem">It does not answer. What follows is from before.</p>}
      {view && foreign(view) && (
        <p class="dim">
          This broker is not ours. It does not tell what waits in its queues, nor who was refused or denied: its own log does. Who
          may connect is set there, too.
        </p>
      )}
      {view && (
        <dl class="figures">
          <Figure name="clients" value={view.clients} />
          <Figure name="messages in" value={rate(view.messages_in_s)} unit="/s" />
          <Figure name="messages out" value={rate(view.messages_out_s)} unit="/s" />
          <Figure name="bytes in" {...perSecond(view.bytes_in_s)} />
          <Figure name="bytes out" {...perSecond(view.bytes_out_s)} />
          <Figure name="subscriptions" value={view.subscriptions} />
          <Figure name="retained" value={view.retained} />
          <Figure name="queued" value={view.queued} />
          <Figure name="in flight" value={view.inflight} />
          <Figure name="dropped" value={view.dropped_total} tone={(view.dropped_total ?? 0) > 0 ? 'warn' : ''} />
          <Figure name="stored" value={view.stored_total} />
          <Figure name="rejected" value={view.rejected_total} tone={(view.rejected_total ?? 0) > 0 ? 'warn' : ''} />
        </dl>
      )}
    </section>
  )
}

const foreign = ({ kind }: { kind: string }): boolean => kind !== 'embedded'

const perSecond = (value: number | null) => {
  if (value === null) return { value: null, unit: '' }
  const [number, unit] = bytes(value)
  return { value: number, unit: `${unit}/s` }
}

/** Where it listens, and who may come in there. */
export function Listeners() {
  const view = broker.value
  if (!view) return null
  const denied = Object.entries(view.denied).filter(([, n]) => n > 0)
  return (
    <section class="panel" aria-labelledby="listeners-title">
      <h2 id="listeners-title">{foreign(view) ? 'Our connection to it' : 'Listeners'}</h2>
      <table class="table">
        <thead>
          <tr>
            <th>Address</th>
            <th>Encryption</th>
            <th>Who may use it</th>
          </tr>
        </thead>
        <tbody>
          {view.listeners.map(({ host, port, tls, auth }) => (
            <tr key={host + port}>
              <td>
                <code>
                  {host}:{port}
                </code>
              </td>
              <td>{tls ? 'TLS' : 'none'}</td>
              <td>{auth}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {denied.length > 0 && (
        <p>
          Denied publishes and subscriptions: {denied.map(([user, n]) => `${user} ${n.toLocaleString('en')}`).join(', ')}.{' '}
          <a href="/messages?verdict=denied">Look at them</a>
        </p>
      )}
    </section>
  )
}
