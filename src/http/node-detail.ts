import type { LedgerReport } from '../api/ledger.ts'
import type { NodeDetail, NodeView } from '../api/nodes.ts'
import type { LedgerReport as Report } from '../ledger/ledger.ts'

type Status = Record<string, unknown> | null
type Latest = ReadonlyMap<string, { readonly value: number; readonly time: number }>

/** Fields that are stored beside the sensors and shown with the node itself (wire contract §2). */
const besideSensors = new Set(['wifi_rssi', 'uptime'])

/** A node as its own page shows it, from what the rooms know of it. `status` is the last one as it came, maybe a bare will;
 *  `described` the last in which the node told about itself: units and drops come from there. */
export function nodeDetail(view: NodeView, status: Status, described: Status, latest: Latest, report: Report): NodeDetail {
  return { ...view, status, sensors: sensorsOf(described, latest), ledger: ledgerOf(report, described) }
}

/** The ledger's account with what the node itself says it dropped from its ring. */
export function ledgerOf(report: Report, status: Status): LedgerReport {
  const dropped = status?.dropped
  return { ...report, gaps: [...report.gaps], dropped: typeof dropped === 'number' ? dropped : 0 }
}

/** Declared sensors in the node's own order, whether they spoke yet or not; then those it only ever sent, by name. */
function sensorsOf(status: Status, latest: Latest): NodeDetail['sensors'] {
  const units = declaredUnits(status)
  const undeclared = [...latest.keys()].filter(name => !units.has(name) && !besideSensors.has(name)).sort()
  return [...units.keys(), ...undeclared].map(name => {
    const last = latest.get(name)
    return { name, unit: units.get(name) ?? null, value: last?.value ?? null, time: last?.time ?? null }
  })
}

function declaredUnits(status: Status): Map<string, string | null> {
  const units = new Map<string, string | null>()
  if (!Array.isArray(status?.sensors)) return units
  for (const sensor of status.sensors as { name?: unknown; unit?: unknown }[])
    if (typeof sensor?.name === 'string') units.set(sensor.name, typeof sensor.unit === 'string' ? sensor.unit : null)
  return units
}
