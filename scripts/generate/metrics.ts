import { createMetrics } from '../../src/http/metrics.ts'
import { type GeneratedFile, generatedBy } from './generators.ts'
import { code, table } from './markdown.ts'

/** docs/reference/metrics.md: what GET /metrics answers, asked of the metrics themselves with nothing behind them. */
export async function metricsReference(): Promise<GeneratedFile[]> {
  const exposed = await createMetrics().render({
    fleet: { nodes: () => [], commands: { counts: () => ({}) } },
    store: { stats: () => ({ bytes: 0 }) },
    updates: { refused: () => 0 },
    rejects: { kept: () => ({ rejects: 0 }) },
    counters: () => ({ stored: 0, duplicates: 0, rejected: { bad_json: 0 } }),
  } as unknown as Parameters<ReturnType<typeof createMetrics>['render']>[0])
  const helps = [...exposed.matchAll(/^# HELP (\S+) (.*)$/gm)]
  const rows = helps.map(([, name, help]) => [
    code(name!),
    exposed.match(new RegExp(`^# TYPE ${name} (\\S+)$`, 'm'))![1]!,
    [...new Set([...exposed.matchAll(new RegExp(`^${name}\\{([a-z]+)=`, 'gm'))].map(m => code(m[1]!)))].join(', '),
    help!,
  ])
  const text = `<!-- ${generatedBy('src/http/metrics.ts')} -->
# Metrics

\`GET /metrics\` in Prometheus' text format; without a token from loopback, with it from elsewhere. Counters begin at 0 with each start of
the process; what is never reset is in \`espalier rejects --counts\` and \`espalier ledger\`.

${table(['name', 'type', 'label', 'meaning'], rows)}
`
  return [{ path: 'docs/reference/metrics.md', text }]
}
