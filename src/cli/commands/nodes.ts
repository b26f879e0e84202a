import type { NodeView, PresenceState } from '../../api/nodes.ts'
import { type Define, examples } from '../definition.ts'
import { fieldsText, maybeTime, type Style, table } from '../output.ts'

export const defineNodes: Define = (program, run) => {
  program
    .command('nodes')
    .description('list all nodes with state and last values')
    .addHelpText('after', examples('espalier nodes', 'espalier nodes --json'))
    .action(() =>
      run(async ({ client, out }) => {
        const nodes = await (await client()).nodes()
        out.result(nodes, () => (nodes.length === 0 ? noNodes : nodesTable(nodes, out.style)))
      }),
    )
}

const noNodes = `No node has spoken yet. A first one:
  mosquitto_pub -t iot/node/01/telemetry -m '{"node_id":"node_01","sensors":{"temperature":22.5}}'`

const nodesTable = (nodes: readonly NodeView[], style: Style): string =>
  table(
    ['NODE', 'STATE', 'CLAIMED', 'LAST SEEN', 'RSSI', 'STORED', 'REJECTED', 'LAST VALUES'],
    nodes.map(n => [
      n.name === null ? n.id : `${n.id} (${n.name})`,
      stateText(n.state, style),
      n.virtual ? style.dim('virtual') : n.claimed ? 'yes' : style.warn('no'),
      maybeTime(n.last_seen),
      n.rssi === null ? '-' : `${n.rssi} dBm`,
      String(n.stored),
      n.rejected > 0 ? style.warn(String(n.rejected)) : '0',
      fieldsText(withoutOwn(n.last)),
    ]),
    style,
  )

/** Sensors only: RSSI has its column, uptime is on the node's own page. */
function withoutOwn(last: Readonly<Record<string, number>>): Record<string, number> {
  const { wifi_rssi: _rssi, uptime: _uptime, ...sensors } = last
  return sensors
}

/** State as shape and word, so that it is never colour alone. */
export function stateText(state: PresenceState, style: Style): string {
  switch (state) {
    case 'online':
      return style.good('● online')
    case 'late':
      return style.warn('◐ late')
    case 'offline':
      return style.bad('○ offline')
    case 'asleep':
      return '☾ asleep'
    case 'unknown':
      return style.dim('? unknown')
  }
}
