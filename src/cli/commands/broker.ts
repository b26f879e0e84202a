import type { BrokerView } from '../../api/broker.ts'
import type { Health } from '../../api/health.ts'
import { type Define, examples } from '../definition.ts'
import { facts, type Style } from '../output.ts'

export const defineBroker: Define = (program, run) => {
  program
    .command('broker')
    .description('the broker: listeners, throughput, connections, queues')
    .addHelpText('after', examples('espalier broker', 'espalier broker --json'))
    .action(() =>
      run(async ({ client, out }) => {
        const api = await client()
        const [broker, health] = await Promise.all([api.broker(), api.health()])
        out.result(broker, () => text(broker, health, out.style))
      }),
    )
}

function text(b: BrokerView, health: Health, style: Style): string {
  const denied = Object.entries(b.denied)
  return facts(
    [
      ['broker', `${b.kind} ${b.version}  ${b.up ? style.good('● up') : style.bad('○ down')}`],
      ['profile', `${b.profile}, receipts ${b.receipts ? 'on' : 'off'}`],
      ['listeners', b.listeners.map(l => `${l.host}:${l.port}${l.tls ? ' TLS' : ''} (${l.auth})`).join(', ') || '-'],
      [
        'clients',
        `${count(b.clients)} connected, ${count(b.subscriptions)} subscriptions, ${count(b.retained)} retained messages`,
      ],
      ['messages', `${rate(b.messages_in_s)} in, ${rate(b.messages_out_s)} out a second (over ${b.interval} s)`],
      ['bytes', `${rate(b.bytes_in_s)} in, ${rate(b.bytes_out_s)} out a second`],
      ['queues', `${count(b.queued)} queued, ${count(b.inflight)} in flight, ${count(b.dropped_total)} dropped`],
      ['ingest', `${count(b.stored_total)} stored, ${count(b.rejected_total)} rejected`],
      ...trouble(health, style),
      ['denied', denied.length === 0 ? 'none' : style.warn(denied.map(([user, n]) => `${user} ${n}`).join(', '))],
    ],
    style,
  )
}

/** What needs a hand, a line each. */
function trouble(health: Health, style: Style): [string, string][] {
  const bad = Object.entries(health.checks).filter(([, check]) => !check.ok)
  if (bad.length === 0) return [['health', style.good('all well')]]
  const colour = style[health.status === 'down' ? 'bad' : 'warn']
  return bad.map(([part, check]) => ['health', colour(`${part}: ${check.detail}`)])
}

const count = (n: number | null): string => (n === null ? '?' : String(n))
const rate = (n: number | null): string => (n === null ? '?' : n.toFixed(1))
