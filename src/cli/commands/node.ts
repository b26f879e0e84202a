import type { NodeDetail } from '../../api/nodes.ts'
import { type Define, examples } from '../definition.ts'
import { facts, maybeTime, type Style, shortNumber, table } from '../output.ts'
import { ledgerLine } from './ledger.ts'
import { defineChanges } from './node-changes.ts'
import { defineCredentials } from './node-credential.ts'
import { defineFlash } from './node-flash.ts'
import { defineProvision } from './node-provision.ts'
import { stateText } from './nodes.ts'

export const defineNode: Define = (program, run) => {
  const node = program.command('node').description('one node: let it in, look at it, change it, shut it out')
  node
    .command('show <ID>')
    .description('everything about one node: state, sensors, status, ledger')
    .addHelpText('after', examples('espalier node show sim-1', 'espalier node show 01 --json'))
    .action((id: string) =>
      run(async ({ client, out }) => {
        const detail = await (await client()).node(id)
        out.result(detail, () => detailText(detail, out.style))
      }),
    )
  defineCredentials(node, run)
  defineFlash(node, run)
  defineProvision(node, run)
  defineChanges(node, run)
}

function detailText(n: NodeDetail, style: Style): string {
  const parts = [
    `${style.bold(n.id)}${n.name === null ? '' : ` (${n.name})`}  ${stateText(n.state, style)}${n.virtual ? style.dim('  virtual') : n.claimed ? '' : style.warn('  not claimed')}`,
    facts(
      [
        ['first seen', maybeTime(n.first_seen)],
        ['last seen', maybeTime(n.last_seen)],
        ['last reading', maybeTime(n.last_reading)],
        ['interval', n.interval === null ? '-' : `${n.interval} s`],
        ['firmware', [n.firmware ?? '-', n.board ?? ''].join(' ').trim()],
        ['address', n.ip ?? '-'],
        ['signal', n.rssi === null ? '-' : `${n.rssi} dBm`],
        ['tags', n.tags.join(' ') || '-'],
        [
          'counts',
          `${n.stored} stored, ${n.rejected} rejected, ${n.duplicates} duplicates, ${n.null_values} null values, ${n.ignored_keys} ignored keys`,
        ],
        ['ledger', ledgerLine(n.ledger)],
      ],
      style,
    ),
  ]
  if (n.sensors.length > 0) parts.push(sensorsTable(n, style))
  return parts.join('\n\n')
}

const sensorsTable = (n: NodeDetail, style: Style): string =>
  table(
    ['SENSOR', 'VALUE', 'TIME'],
    n.sensors.map(s => [
      s.name,
      s.value === null ? '-' : `${shortNumber(s.value)}${s.unit === null ? '' : ` ${s.unit}`}`,
      maybeTime(s.time),
    ]),
    style,
  )
