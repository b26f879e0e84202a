import type { LedgerReport } from '../../src/api/ledger.ts'
import type { NodeDetail } from '../../src/api/nodes.ts'
import type { RejectView } from '../../src/api/rejects.ts'
import { temporaryData, type Up, until, upWith } from '../espalier.ts'
import { type Wire, wire } from '../wire.ts'

/** A running `up` that is handed vectors: one connection sends them, one listens to everything below `iot`, and a stream of another
 *  node runs beside all of it, which has to arrive untouched. */
export interface VectorHouse {
  readonly house: Up
  readonly sender: Wire
  readonly watcher: Wire
  readonly beside: Beside
  /** What is stored, kept and told, asked in every way a person has. */
  evidence(): Promise<Evidence>
  close(): Promise<void>
}

export interface Row {
  readonly time: number
  readonly node: string
  readonly boot: number | null
  readonly seq: number | null
  readonly fields: Readonly<Record<string, number>>
}

export interface ReceiptEntry {
  readonly boot: number
  readonly seq: number | null
  readonly seen: number
  readonly rejected?: number
}

export interface Evidence {
  /** By `espalier export`. */
  rowsOf(node: string): Row[]
  /** Oldest first. A reject without a node belongs to its topic. */
  rejectsOf(node: string): RejectView[]
  rejectsOfTopic(topic: string): RejectView[]
  rejectsWithout(reason: string): RejectView[]
  /** Null: there is no such node. */
  detailOf(node: string): NodeDetail | null
  ledgerOf(node: string): LedgerReport
  readonly counts: {
    readonly total: number
    readonly by_reason: Record<string, number>
    readonly by_node: Record<string, number>
  }
}

export async function openVectorHouse(env: Record<string, string>): Promise<VectorHouse> {
  const data = await temporaryData()
  const house = await upWith(env, data.dir)
  const [sender, watcher, stream] = await Promise.all(['sender', 'watcher', 'beside'].map(id => wire(house.run.mqtt, id)))
  await watcher!.subscribe('iot/#')
  const beside = openBeside(stream!)
  return {
    house,
    sender: sender!,
    watcher: watcher!,
    beside,
    evidence: () => evidenceOf(house),
    async close() {
      for (const connection of [sender, watcher, stream]) connection!.end()
      await house.stop()
      await data.remove()
    },
  }
}

/** The latest entry of each boot that the wire brought for a node, once `complete` says that it is all there. */
export async function receiptsOf(
  { watcher }: Pick<VectorHouse, 'watcher'>,
  node: string,
  complete: (entries: ReceiptEntry[]) => boolean,
): Promise<ReceiptEntry[]> {
  const read = (): ReceiptEntry[] => {
    const latest = new Map<number, ReceiptEntry>()
    for (const { topic, payload } of watcher.received)
      if (topic === `iot/node/${node}/receipt`)
        for (const entry of JSON.parse(payload.toString()).receipts) latest.set(entry.boot, entry)
    return [...latest.values()]
  }
  // The caller compares: what never came is shown beside what was wanted.
  await until(`receipt of ${node}`, async () => (complete(read()) ? true : undefined), 8_000).catch(() => undefined)
  return read()
}

export interface Beside {
  /** Two more readings, and whether they are acknowledged is asked at the end. */
  tick(): void
  /** Waits for every PUBACK, and answers with what was sent. */
  finish(): Promise<Row[]>
}

export const besideNode = 'beside'
export const besideBoot = 4_000_000_001

function openBeside(stream: Wire): Beside {
  const sent: Row[] = []
  const open: Promise<void>[] = []
  const send = (): void => {
    const seq = sent.length
    const row = {
      time: 1_779_000_000_000 + 250 * seq,
      node: besideNode,
      boot: besideBoot,
      seq,
      fields: { calm: seq, half: seq / 2 },
    }
    sent.push(row)
    const message = { node_id: `node_${besideNode}`, timestamp: row.time / 1000, sensors: row.fields, boot: row.boot, seq }
    open.push(stream.publish(`iot/node/${besideNode}/telemetry`, JSON.stringify(message)))
  }
  return {
    tick() {
      send()
      send()
    },
    async finish() {
      await Promise.all(open)
      return sent
    },
  }
}

async function evidenceOf(house: Up): Promise<Evidence> {
  const exported = await house.cli('export', '--format', 'jsonl')
  if (exported.code !== 0) throw new Error(exported.stderr)
  const rows = exported.lines<Row>()
  const rejects: RejectView[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const page: { body: { items: RejectView[]; next: string | null } } = await house.api(
      `/api/rejects?limit=1000${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    rejects.push(...page.body.items)
    cursor = page.body.next
  }
  rejects.reverse()
  const { body: counts } = await house.api('/api/rejects/counts')
  const { body: nodes } = await house.api<{ items: { id: string }[] }>('/api/nodes?limit=1000')
  const details = new Map<string, NodeDetail>()
  for (const { id } of nodes.items) details.set(id, (await house.api(`/api/nodes/${id}`)).body)
  const ledgers = new Map<string, LedgerReport>()
  for (const report of (await house.cli('ledger', '--json')).json<LedgerReport[]>()) ledgers.set(report.node, report)
  return {
    counts,
    rowsOf: node => rows.filter(row => row.node === node),
    rejectsOf: node => rejects.filter(reject => reject.node === node),
    rejectsOfTopic: topic => rejects.filter(reject => reject.topic === topic),
    rejectsWithout: reason => rejects.filter(reject => reject.node === null && reject.reason === reason),
    detailOf: node => details.get(node) ?? null,
    ledgerOf: node => ledgers.get(node) ?? { node, ...noReadings },
  }
}

const noReadings = { expected: 0, stored: 0, duplicates: 0, rejected: 0, missing: 0, lost: 0, dropped: 0, gaps: [] }

/** Ids of two characters, as long as the vectors' own; `01` to `09` stay theirs. */
export function* twoCharacterIds(): Generator<string> {
  const letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'
  for (const first of letters) for (const second of `${letters}0123456789_-`) yield first + second
}
