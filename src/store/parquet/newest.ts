import type { ReadingEvent } from '../../contract/events.ts'

/** As written in the manifest: node → last time, and each field's newest value with its time. */
export type NewestValues = Readonly<
  Record<string, { readonly last: number; readonly fields: Readonly<Record<string, readonly [value: number, time: number]>> }>
>

type Value = { value: number; time: number }
type NodeValues = { last: number; fields: Map<string, Value>; shape: readonly string[]; shapeValues: Value[] }

const nothing: ReadonlyMap<string, Value> = new Map()

/** The newest value of every field of every node: what a card shows, without asking a file. */
export class Newest {
  private readonly byNode = new Map<string, NodeValues>()

  constructor(values: NewestValues) {
    for (const [node, { last, fields }] of Object.entries(values))
      this.byNode.set(node, {
        last,
        fields: new Map(Object.entries(fields).map(([name, [value, time]]) => [name, { value, time }])),
        shape: [],
        shapeValues: [],
      })
  }

  add({ node, time, names, values }: ReadingEvent): void {
    if (names.length === 0) return
    let known = this.byNode.get(node)
    if (!known) this.byNode.set(node, (known = { last: time, fields: new Map(), shape: [], shapeValues: [] }))
    if (time > known.last) known.last = time
    if (names !== known.shape) {
      known.shapeValues = names.map(name => entryOf(known.fields, name))
      known.shape = names
    }
    for (let i = 0; i < names.length; i++) {
      const newest = known.shapeValues[i]!
      if (time <= newest.time) continue
      newest.time = time
      newest.value = values[i]!
    }
  }

  fields(node: string): ReadonlyMap<string, Value> {
    return this.byNode.get(node)?.fields ?? nothing
  }

  lastTime(node: string): number | null {
    return this.byNode.get(node)?.last ?? null
  }

  nodes(): string[] {
    return [...this.byNode.keys()]
  }

  delete(node: string): void {
    this.byNode.delete(node)
  }

  values(): NewestValues {
    const values: Record<string, NewestValues[string]> = {}
    for (const [node, { last, fields }] of this.byNode)
      values[node] = {
        last,
        fields: Object.fromEntries([...fields].map(([name, { value, time }]) => [name, [value, time] as const])),
      }
    return values
  }
}

function entryOf(fields: Map<string, Value>, name: string): Value {
  let value = fields.get(name)
  if (!value) fields.set(name, (value = { value: Number.NaN, time: Number.NEGATIVE_INFINITY }))
  return value
}
