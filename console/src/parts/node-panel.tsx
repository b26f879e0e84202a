import { useEffect, useState } from 'preact/hooks'
import type { NodeView } from '../../../src/api/nodes.ts'
import { age, counted } from '../format.ts'
import { type Detail, detailOf, unitOf, wantDetail } from '../state/details.ts'
import { nodes } from '../state/house.ts'
import { byProminence, colourOf } from '../units.ts'
import { Ago } from './ago.tsx'
import { Chart, type Span } from './chart.tsx'
import { StateMark } from './state-mark.tsx'
import { Value } from './value.tsx'

const minute = 60_000
const spans: readonly (readonly [label: string, lastMs: number])[] = [
  ['15 min', 15 * minute],
  ['1 h', 60 * minute],
  ['6 h', 360 * minute],
  ['24 h', 1440 * minute],
  ['7 d', 10_080 * minute],
]
const live15: Span = { lastMs: spans[0]![1] }

/** The chosen node: who it is, what it measures now, and one of its sensors over time. */
export function NodePanel({ id }: { id: string }) {
  useEffect(() => wantDetail(id), [id])
  const view = nodes.value.get(id)!.value
  const detail = detailOf(id).value
  const declared = detail?.sensors.map(one => one.name) ?? []
  const names = [...new Set([...declared, ...Object.keys(view.last).sort(byProminence)])].filter(
    name => name !== 'wifi_rssi' && name !== 'uptime',
  )
  return (
    <section class="panel node-panel" aria-labelledby="node-title">
      <Head view={view} />
      {names.length > 0 ? (
        <Sensors view={view} detail={detail} names={names} />
      ) : (
        <p class="dim">
          No reading came yet. It belongs on <code>iot/node/{id}/telemetry</code>; one that was sent and could not be read is
          below, under “Not understood”.
        </p>
      )}
    </section>
  )
}

interface SensorsProps {
  readonly view: NodeView
  readonly detail: Detail | null
  readonly names: readonly string[]
}

function Sensors({ view, detail, names }: SensorsProps) {
  const [wanted, setWanted] = useState<string | null>(null)
  const [span, setSpan] = useState<Span>(live15)
  const [before, setBefore] = useState<Span>(live15)
  const sensor = wanted !== null && names.includes(wanted) ? wanted : names[0]!
  return (
    <>
      <fieldset class="sensors">
        <legend class="for-readers">Sensor to draw</legend>
        {names.map(name => (
          <button
            key={name}
            type="button"
            class="sensor"
            aria-pressed={name === sensor}
            onClick={() => setWanted(name)}
            style={{ '--own': `var(${colourOf(name)})` }}
          >
            <Value name={name} value={view.last[name]} unit={unitOf(detail, name)} within="button" />
          </button>
        ))}
      </fieldset>
      <Chart
        node={view.id}
        sensor={sensor}
        unit={unitOf(detail, sensor)}
        intervalMs={view.interval === null ? null : view.interval * 1000}
        since={detail?.oldest ?? view.first_seen}
        span={span}
        onZoom={zoomed => {
          if ('lastMs' in span) setBefore(span)
          setSpan(zoomed)
        }}
        onBack={() => setSpan(before)}
      />
      <fieldset class="spans">
        <legend class="for-readers">Time span</legend>
        {spans.map(([label, lastMs]) => (
          <button
            key={label}
            type="button"
            aria-pressed={'lastMs' in span && span.lastMs === lastMs}
            onClick={() => setSpan({ lastMs })}
          >
            {label}
          </button>
        ))}
        {'from' in span && (
          <button type="button" class="quiet" onClick={() => setSpan(before)}>
            Back to live
          </button>
        )}
      </fieldset>
    </>
  )
}

function Head({ view }: { view: NodeView }) {
  const facts = [
    view.board,
    view.firmware && `firmware ${view.firmware}`,
    view.interval !== null && `every ${view.interval < 120 ? `${view.interval} s` : age(view.interval * 1000)}`,
    view.ip,
    view.rssi !== null && `${Math.round(view.rssi)} dBm`.replace('-', '−'),
    `${counted(view.stored, 'reading')} stored`,
    view.rejected > 0 && `${view.rejected} rejected`,
  ].filter(Boolean)
  return (
    <header class="node-head">
      <h2 id="node-title">{view.name ?? view.id}</h2>
      {view.name !== null && <span class="id">{view.id}</span>}
      <StateMark state={view.state} />
      <span class="dim">
        last heard <Ago time={view.last_seen} />
      </span>
      <p class="facts">{facts.join(' · ')}</p>
    </header>
  )
}
