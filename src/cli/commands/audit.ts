import type { AuditEntry } from '../../api/audit.ts'
import { type Define, examples } from '../definition.ts'
import { localTime, type Style, table } from '../output.ts'
import { wholeNumber } from '../values.ts'

export const defineAudit: Define = (program, run) => {
  program
    .command('audit')
    .description('who did what, when, and what came of it; newest first')
    .option('--action <A>', 'only this: command.send, node.add, …; node for all of nodes')
    .option('--subject <S>', 'only what was done to this node, rule or channel')
    .option('--limit <N>', 'how many', '100')
    .addHelpText(
      'after',
      examples('espalier audit', 'espalier audit --action node --subject 01', 'espalier audit --action auth.failed'),
    )
    .action((flags: { action?: string; subject?: string; limit: string }) =>
      run(async ({ client, out }) => {
        const query = {
          ...(flags.action !== undefined && { action: flags.action }),
          ...(flags.subject !== undefined && { subject: flags.subject }),
          limit: wholeNumber(flags.limit, '--limit', 1, 100_000),
        }
        const entries = await (await client()).audit(query)
        const none = flags.action === undefined && flags.subject === undefined ? 'Nothing was done yet.' : 'No such entries.'
        out.result(entries, () => (entries.length === 0 ? none : entriesText(entries, out.style)))
      }),
    )
}

function entriesText(entries: readonly AuditEntry[], style: Style): string {
  const outcome = { done: style.good, refused: style.warn, failed: style.bad }
  const rows = entries.map(e => [
    localTime(e.time),
    e.address === null ? e.who : `${e.who} ${e.address}`,
    e.action,
    e.subject ?? '-',
    outcome[e.outcome](e.outcome),
    e.detail,
  ])
  return table(['TIME', 'WHO', 'ACTION', 'SUBJECT', 'OUTCOME', 'DETAIL'], rows, style)
}
