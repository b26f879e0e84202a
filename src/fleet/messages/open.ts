import type { MessageView, Verdict } from '../../api/messages.ts'
import type { BrokerNotice } from '../../broker/broker.ts'
import { type DurableBatch, firstPosition, type Position, type ReadingEvent, type RejectEvent } from '../../contract/events.ts'
import { defaultRoot, nodeTopic } from '../../contract/topics.ts'
import { type Diagnosis, deniedTopic, fightOver, refusedLogIn } from './diagnosis.ts'
import { faultPlace } from './fault-place.ts'
import { Fights } from './fights.ts'
import { LogLines } from './log-lines.ts'
import type { MessageQuery, Messages, MessagesParts } from './messages.ts'
import { Sampler } from './sampler.ts'
import { Shelf, type Shelved } from './shelf.ts'
import { pointsOf, readBatch, type Told } from './told.ts'

export const openMessages = (parts: MessagesParts): Messages => new Feed(parts)

/** Shown a second, in all and of one node: what an eye and an event stream can follow. What went wrong is rarer, and heavier. */
const fine = { total: 50, each: 10 }
const wrong = { total: 50, each: 10 }
const rawShown = 4_096

type Said = Pick<MessageView, 'time' | 'topic' | 'node' | 'verdict'> & Partial<MessageView>

interface Origin {
  readonly user: string | null
  readonly address: string | null
  readonly topic?: string
  readonly payload?: Uint8Array | null
  /** Where the notice was counted already. */
  readonly count?: number
}

class Feed implements Messages {
  private readonly parts: MessagesParts
  private readonly root: string
  private readonly well: Shelf
  private readonly trouble: Shelf
  private readonly wellSampler = new Sampler(fine.total, fine.each)
  private readonly troubleSampler = new Sampler(wrong.total, wrong.each)
  private readonly lines = new LogLines()
  private readonly fights = new Fights()
  private readonly spoke: Set<string>
  private readonly listeners = new Set<(message: MessageView) => void>()
  private readonly firstListeners = new Set<(node: string, sensors: readonly string[]) => void>()
  private next: number
  private end: Position = firstPosition

  constructor(parts: MessagesParts) {
    const kept = parts.kept ?? 500
    this.parts = parts
    this.root = parts.root ?? defaultRoot
    this.well = new Shelf(kept)
    this.trouble = new Shelf(kept)
    this.spoke = new Set(parts.spoke)
    // Ids rise over restarts, like those of events.
    this.next = parts.clock.wallMs() * 1_000
  }

  // ---- from the journal -----------------------------------------------------------------------------------------------------

  apply(batch: DurableBatch, live: boolean): void {
    this.end = batch.end
    const monoMs = this.parts.clock.monoMs()
    if (live)
      readBatch(batch.events, {
        telemetry: told => this.telemetry(told, batch.events, monoMs),
        reject: event => this.reject(event, monoMs),
        other: ({ node, arrived, kind }) => {
          if (!this.wellSampler.admit(node, monoMs)) return
          this.wellDone({ time: arrived, topic: this.topicOf(node, kind), node, verdict: kind })
        },
      })
  }

  watermark(): Position {
    return this.end
  }

  private telemetry(told: Told, events: DurableBatch['events'], monoMs: number): void {
    const { node, stored, duplicates } = told
    if (stored + duplicates === 0) return
    if (stored > 0 && !this.spoke.has(node)) this.first(node, pointsOf(told, events))
    if (!this.wellSampler.admit(node, monoMs)) return
    this.wellDone({
      time: told.arrived,
      topic: this.topicOf(node, 'telemetry'),
      node,
      verdict: stored > 0 ? 'stored' : 'duplicate',
      count: stored > 0 ? stored : duplicates,
      points: pointsOf(told, events).map(({ time, names, values }) => ({
        time,
        fields: Object.fromEntries(names.map((name, i) => [name, values[i]!])),
      })),
    })
  }

  private first(node: string, points: readonly ReadingEvent[]): void {
    this.spoke.add(node)
    const sensors = (points[0]?.names ?? []).filter(name => name !== 'wifi_rssi' && name !== 'uptime')
    for (const listener of this.firstListeners) listener(node, sensors)
  }

  private reject(event: RejectEvent, monoMs: number): void {
    const { node, topic, arrived, reason, detail, count } = event
    if (!this.troubleSampler.admit(`reject ${node ?? topic}`, monoMs)) return
    const raw = textOf(event.raw)
    const order = this.next++
    this.shelve(this.trouble, this.troubleSampler, String(order), order, {
      time: arrived,
      topic,
      node,
      verdict: 'rejected',
      reason,
      detail,
      count,
      raw,
      at: faultPlace(reason, detail, raw),
    })
  }

  // ---- from the broker ------------------------------------------------------------------------------------------------------

  notice(notice: BrokerNotice): void {
    switch (notice.kind) {
      case 'log':
        this.log(notice)
        break
      case 'refused':
        this.tell(refusedLogIn(notice, this.parts.isKnown), notice)
        break
      case 'denied':
      case 'unrouted':
        this.tell(deniedTopic(notice, this.root), { ...notice, user: notice.identity.user })
        break
      case 'takeover': {
        const count = this.fights.takeover(notice.client, this.parts.clock.monoMs())
        if (count > 0) this.tell(fightOver(notice, count), { ...notice, user: notice.identity.user, count })
        break
      }
    }
  }

  private log({ node, user, payload, arrived }: Extract<BrokerNotice, { kind: 'log' }>): void {
    const line = this.lines.add(node, payload, arrived)
    if (!this.wellSampler.admit(node, this.parts.clock.monoMs())) return
    this.wellDone({
      time: arrived,
      topic: this.topicOf(node, 'log'),
      node,
      user,
      verdict: 'log',
      reason: line.level,
      raw: line.msg,
    })
  }

  /** What repeats stays one message: counted always, shown anew as often as the sampler lets it. */
  private tell({ verdict, reason, subject, detail, node }: Diagnosis, from: Origin): void {
    const key = `${verdict} ${reason} ${subject}`
    const { clock } = this.parts
    const before = this.trouble.get(key)?.view
    const count = from.count ?? (before?.count ?? 0) + 1
    if (before !== undefined) before.count = count
    // One that is counted is not left out.
    if (!this.troubleSampler.admit(key, clock.monoMs(), before === undefined)) return
    const order = this.next++
    this.shelve(this.trouble, this.troubleSampler, key, order, {
      time: clock.wallMs(),
      topic: from.topic === undefined ? null : cut(from.topic),
      node,
      user: from.user === null ? null : cut(from.user),
      address: from.address,
      verdict,
      reason,
      detail,
      ...(before !== undefined && { id: before.id }),
      count,
      raw: from.payload ? textOf(from.payload) : null,
    })
  }

  // ---- the shelves ----------------------------------------------------------------------------------------------------------

  private wellDone(said: Said): void {
    const order = this.next++
    this.shelve(this.well, this.wellSampler, String(order), order, said)
  }

  private shelve(shelf: Shelf, sampler: Sampler, key: string, order: number, said: Said): void {
    const view: MessageView = { ...blank, id: String(order), ...said, left_out: sampler.takeLeftOut() }
    shelf.put(key, { order, view })
    // Whoever listens may keep it, while its count goes on here.
    if (this.listeners.size === 0) return
    const shown = { ...view }
    for (const listener of this.listeners) listener(shown)
  }

  list({ node, verdict, before, limit }: MessageQuery): { items: MessageView[]; next: string | null } {
    const found = [...this.well.all(), ...this.trouble.all()]
      .filter(({ order, view }) => fits(view, node, verdict) && (before === undefined || order < Number(before)))
      .sort((a, b) => b.order - a.order)
    const shown: Shelved[] = found.slice(0, limit)
    return { items: shown.map(({ view }) => view), next: found.length > limit ? String(shown.at(-1)!.order) : null }
  }

  logs(node: string) {
    return this.lines.of(node)
  }

  on(listener: (message: MessageView) => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  onFirstReading(listener: (node: string, sensors: readonly string[]) => void): () => void {
    this.firstListeners.add(listener)
    return () => void this.firstListeners.delete(listener)
  }

  forget(node: string): void {
    this.spoke.delete(node)
  }

  private topicOf(node: string, kind: 'telemetry' | 'status' | 'ack' | 'log'): string {
    return nodeTopic(node, kind, this.root)
  }
}

const blank = { user: null, address: null, reason: null, detail: null, count: 1, points: [], raw: null, at: null }

const fits = (view: MessageView, node?: string, verdict?: Verdict): boolean =>
  (node === undefined || view.node === node) && (verdict === undefined || view.verdict === verdict)

/** Replacement characters for what is not UTF-8. */
const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(0, rawShown))

/** Topics and user names of strangers may have 64 KiB. */
const cut = (text: string): string => (text.length > 256 ? `${text.slice(0, 256)}…` : text)
