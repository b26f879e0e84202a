import type { RejectCounts, RejectView } from '../../api/rejects.ts'
import { type Define, examples } from '../definition.ts'
import { localTime, type Style, table } from '../output.ts'
import { pointInTime, wholeNumber } from '../values.ts'

interface Flags {
  readonly node?: string
  readonly reason?: string
  readonly since?: string
  readonly limit: string
  readonly counts?: boolean
}

export const defineRejects: Define = (program, run) => {
  program
    .command('rejects')
    .description('messages that were not stored: why, and what was in them')
    .option('--node <ID>', 'only of this node')
    .option('--reason <R>', 'only for this reason, such as bad_json')
    .option('--since <T>', 'from this time on: ISO 8601, Unix seconds, or -1h')
    .option('--limit <N>', 'how many', '100')
    .option('--counts', 'only how many, by reason and by node')
    .addHelpText('after', examples('espalier rejects', 'espalier rejects --node 01 --since -1h', 'espalier rejects --counts'))
    .action((flags: Flags) =>
      run(async ({ client, out, nowMs }) => {
        const query = {
          ...(flags.node !== undefined && { node: flags.node }),
          ...(flags.reason !== undefined && { reason: flags.reason }),
          ...(flags.since !== undefined && { since: pointInTime(flags.since, '--since', nowMs()) }),
          limit: wholeNumber(flags.limit, '--limit', 1, 100_000),
        }
        const api = await client()
        if (flags.counts) {
          const counts = await api.rejectCounts()
          out.result(counts, () => countsText(counts, out.style))
          return
        }
        const rejects = await api.rejects(query)
        out.result(rejects, () =>
          rejects.length === 0 ? 'Nothing was rejected.' : rejects.map(r => rejectText(r, out.style)).join('\n\n'),
        )
      }),
    )
}

function rejectText(r: RejectView, style: Style): string {
  const of = r.count > 1 ? ` (${r.count} readings)` : ''
  return [
    `${style.dim(localTime(r.time))}  ${r.node ?? '-'}  ${style.bad(r.reason)}${of}  ${style.dim(r.topic ?? '')}`,
    `  ${r.detail}`,
    `  ${style.dim(shown(r))}`,
  ].join('\n')
}

/** The first bytes as one line of text; what is no text shows as escapes. */
function shown(r: RejectView): string {
  const bytes = Buffer.from(r.raw_base64, 'base64').subarray(0, 160)
  const text = JSON.stringify(bytes.toString('utf8')).slice(1, -1).replaceAll('\\"', '"')
  return `${text}${r.size > bytes.length ? ` … (${r.size} bytes)` : ''}`
}

function countsText(c: RejectCounts, style: Style): string {
  if (c.total === 0) return 'Nothing was rejected.'
  const rows = (counts: Record<string, number>): string[][] =>
    Object.entries(counts)
      .sort((a, b) => b[1] - a[1])
      .map(([name, n]) => [name, String(n)])
  return [
    `${c.total} rejected`,
    table(['REASON', 'COUNT'], rows(c.by_reason), style),
    table(['NODE', 'COUNT'], rows(c.by_node), style),
  ].join('\n\n')
}
