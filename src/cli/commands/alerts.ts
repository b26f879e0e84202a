import type { AlertChannelView, AlertRuleView, AlertState, AlertView } from '../../api/alerts.ts'
import { type Define, examples } from '../definition.ts'
import { exits } from '../errors.ts'
import { localTime, type Style, table } from '../output.ts'
import { duration, oneOf, wholeNumber } from '../values.ts'

const states = ['pending', 'firing', 'resolved'] as const

export const defineAlerts: Define = (program, run) => {
  const alerts = program
    .command('alerts')
    .description('what is wrong now and was lately; its rules and channels')
    .option('--node <ID>', 'only of this node')
    .option('--state <S>', `only in this state: ${states.join(', ')}`)
    .option('--limit <N>', 'how many', '100')
    .addHelpText('after', examples('espalier alerts', 'espalier alerts --state firing --json'))
    .action((flags: { node?: string; state?: string; limit: string }) =>
      run(async ({ client, out }) => {
        const query = {
          ...(flags.node !== undefined && { node: flags.node }),
          ...(flags.state !== undefined && { state: oneOf(flags.state, '--state', states) }),
          limit: wholeNumber(flags.limit, '--limit', 1, 100_000),
        }
        const found = await (await client()).alerts(query)
        out.result(found, () => (found.length === 0 ? 'All is well.' : found.map(a => alertText(a, out.style)).join('\n\n')))
      }),
    )

  alerts
    .command('rules')
    .description('rules in force, and where each comes from')
    .addHelpText('after', examples('espalier alerts rules'))
    .action(() =>
      run(async ({ client, out }) => {
        const rules = await (await client()).alertRules()
        out.result(rules, () =>
          rules.length === 0 ? 'No rules: all default ones are switched off.' : rulesText(rules, out.style),
        )
      }),
    )

  alerts
    .command('channels')
    .description('where alerts are told, and how the last message went')
    .addHelpText('after', examples('espalier alerts channels'))
    .action(() =>
      run(async ({ client, out }) => {
        const channels = await (await client()).alertChannels()
        out.result(channels, () =>
          channels.length === 0
            ? 'No channels: add one below alerts.channels in espalier.yaml.'
            : channelsText(channels, out.style),
        )
      }),
    )

  alerts
    .command('silence <RULE> [ID]')
    .description('tell nothing of this rule (at this node) for some time')
    .option('--for <TIME>', 'how long, such as 30m, 2h, 1d; 0 ends a silence', '2h')
    .addHelpText('after', examples('espalier alerts silence silent 01 --for 2h', 'espalier alerts silence silent --for 0'))
    .action((rule: string, node: string | undefined, flags: { for: string }) =>
      run(async ({ client, out, nowMs }) => {
        const seconds = duration(flags.for, '--for') / 1000
        await (await client()).silence({ rule, ...(node !== undefined && { node }), seconds })
        const until = seconds === 0 ? null : Math.round(nowMs() + seconds * 1000)
        const of = node === undefined ? rule : `${rule} at node ${node}`
        out.result({ rule, node: node ?? null, silenced_until: until }, () =>
          until === null ? `${of} is told again` : `nothing is told of ${of} until ${localTime(until)}`,
        )
      }),
    )

  alerts
    .command('test <CHANNEL>')
    .description('send a test message; exit 3 when it does not get through')
    .addHelpText('after', examples('espalier alerts test phone'))
    .action((name: string) =>
      run(async ({ client, out }) => {
        const result = await (await client()).testChannel(name)
        const { good, bad } = out.style
        out.result(result, () => `${result.ok ? good('delivered') : bad('not delivered')}  ${name}: ${result.detail}`)
        return result.ok ? exits.done : exits.refused
      }),
    )
}

const marks: Record<AlertState, (style: Style) => string> = {
  pending: style => style.warn('◐ pending'),
  firing: style => style.bad('● firing'),
  resolved: style => style.good('✓ over'),
}

function alertText(a: AlertView, style: Style): string {
  const subject = [a.node, a.sensor].filter(part => part !== null).join(' ')
  const began =
    a.state === 'resolved' && a.resolved_at !== null
      ? `${localTime(a.since)} to ${localTime(a.resolved_at)}`
      : `since ${localTime(a.since)}`
  const silenced = a.silenced_until === null ? [] : [`  ${style.dim(`silenced until ${localTime(a.silenced_until)}`)}`]
  const told = a.notified.map(
    n => `  ${style.dim(`${n.channel}: ${n.ok ? 'told' : style.bad('not told')} ${localTime(n.time)}  ${n.detail}`)}`,
  )
  return [
    `${marks[a.state](style)}  ${style.bold(a.rule)}${subject && `  ${subject}`}  ${style.dim(began)}`,
    `  ${a.detail}`,
    ...silenced,
    ...told,
  ].join('\n')
}

function rulesText(rules: readonly AlertRuleView[], style: Style): string {
  const rows = rules.map(r => [
    r.name,
    r.text,
    r.nodes,
    r.channels.join(', ') || '-',
    r.firing > 0 ? style.bad(String(r.firing)) : '0',
    r.silenced_until === null ? '-' : localTime(r.silenced_until),
    r.from,
  ])
  return table(['RULE', 'BAD IS', 'NODES', 'TOLD ON', 'FIRING', 'SILENCED UNTIL', 'FROM'], rows, style)
}

function channelsText(channels: readonly AlertChannelView[], style: Style): string {
  const last = (c: AlertChannelView): string =>
    c.last === null
      ? '-'
      : `${c.last.ok ? style.good('told') : style.bad('not told')} ${localTime(c.last.time)}  ${c.last.detail}`
  const rows = channels.map(c => [c.name, c.type, c.target, c.from, last(c)])
  return table(['CHANNEL', 'TYPE', 'TO', 'FROM', 'LAST MESSAGE'], rows, style)
}
