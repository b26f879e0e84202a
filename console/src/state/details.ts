import { type Signal, signal } from '@preact/signals'
import type { SeriesView } from '../../../src/api/readings.ts'
import { byProminence, guessUnit } from '../units.ts'
import { client } from './connection.ts'

/** What a card needs beyond the list: declared units and order of the sensors, and the day of its first one. Asked for when the card
 *  comes into sight, two nodes at a time, so that 1,000 cards do not ask 1,000 questions. */
export interface Detail {
  readonly sensors: readonly { readonly name: string; readonly unit: string }[]
  readonly day: SeriesView | null
  /** Unix ms of the oldest reading met so far: a backlog lies before the first message. Only ever falls. */
  readonly oldest: number
}

const details = new Map<string, Signal<Detail | null>>()

export function detailOf(id: string): Signal<Detail | null> {
  let detail = details.get(id)
  if (!detail) details.set(id, (detail = signal<Detail | null>(null)))
  return detail
}

export function unitOf(detail: Detail | null, sensor: string): string {
  return detail?.sensors.find(one => one.name === sensor)?.unit || guessUnit(sensor)
}

const waiting = new Set<string>()
let running = 0

/** Asks (again) for a node's detail. */
export function wantDetail(id: string): void {
  waiting.add(id)
  next()
}

function next(): void {
  const [id] = waiting
  if (id === undefined || running >= 2) return
  waiting.delete(id)
  running++
  void load(id)
    .catch(() => undefined)
    .finally(() => {
      running--
      next()
    })
}

async function load(id: string): Promise<void> {
  const node = await client.node(id)
  const all = node.sensors.map(({ name, unit }) => ({ name, unit: unit ?? '' }))
  // Declared ones stay in the board's own order.
  const undeclared = all.filter(one => one.unit === '').sort((a, b) => byProminence(a.name, b.name))
  const sensors = [...all.filter(one => one.unit !== ''), ...undeclared]
  const first = sensors[0]?.name
  const day = first === undefined ? null : (await client.readings(id, { sensor: [first], points: 96 })).series[first]
  const detail = detailOf(id)
  const oldest = Math.min(detail.peek()?.oldest ?? node.first_seen, day?.time[0] ?? node.first_seen)
  detail.value = { sensors, day: day ?? null, oldest }
}
