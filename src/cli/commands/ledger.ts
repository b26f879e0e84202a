import type { LedgerReport } from '../../api/ledger.ts'
import { type Define, examples } from '../definition.ts'
import { maybeTime, type Style, table } from '../output.ts'

export const defineLedger: Define = (program, run) => {
  program
    .command('ledger [ID]')
    .description('what was expected, stored, missing and lost, by node')
    .addHelpText('after', examples('espalier ledger', 'espalier ledger sim-1 --json'))
    .action((id: string | undefined) =>
      run(async ({ client, out }) => {
        const reports = await (await client()).ledger(id)
        out.result(reports, () =>
          reports.length === 0
            ? 'No node sends boot and seq yet, so there is nothing to keep a ledger of.'
            : text(reports, out.style),
        )
      }),
    )
}

/** One report in words. */
export const ledgerLine = (l: LedgerReport): string =>
  `${l.stored} of ${l.expected} stored, ${l.rejected} rejected, ${l.missing} missing, ${l.lost} lost, ${l.dropped} dropped by the node`

function text(reports: readonly LedgerReport[], style: Style): string {
  const sums = table(
    ['NODE', 'EXPECTED', 'STORED', 'DUPLICATES', 'REJECTED', 'MISSING', 'LOST', 'DROPPED'],
    reports.map(l => [
      l.node,
      ...[l.expected, l.stored, l.duplicates, l.rejected].map(String),
      l.missing > 0 ? style.warn(String(l.missing)) : '0',
      l.lost > 0 ? style.bad(String(l.lost)) : '0',
      String(l.dropped),
    ]),
    style,
  )
  const gaps = reports.flatMap(l =>
    l.gaps.map(g => [l.node, g.state, String(g.boot), `${g.from} to ${g.to}`, maybeTime(g.first_ms), maybeTime(g.last_ms)]),
  )
  return gaps.length === 0 ? sums : `${sums}\n\n${table(['NODE', 'GAP', 'BOOT', 'SEQ', 'FROM', 'TO'], gaps, style)}`
}
