import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { JournalEvent } from '../contract/events.ts'
import { createLedger } from './create.ts'
import type { Gap, Ledger, ReceiptEntry } from './ledger.ts'

/** The ledger against the plainest thing that could be right: a map of every seq, and the sentences of wire contract §3 as loops. */
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)
const highestSeq = 14
const node = '01'

type Seq = { state: 'stored' | 'rejected'; time: number | null }

class Model {
  boots = new Map<number, { came: Map<number, Seq>; lost: Set<number>; known: number; oldest: number }>()
  latestBirth: number | null = null
  /** First heard of behind the latest birth. */
  young = new Set<number>()

  boot(boot: number) {
    let one = this.boots.get(boot)
    if (!one) {
      this.boots.set(boot, (one = { came: new Map(), lost: new Set(), known: -1, oldest: -1 }))
      if (this.latestBirth !== null) this.young.add(boot)
    }
    return one
  }

  come(boot: number, seq: number, entry: Seq): void {
    const one = this.boot(boot)
    if (one.came.has(seq)) return
    one.came.set(seq, entry)
    one.lost.delete(seq)
    one.known = Math.max(one.known, seq)
  }

  apply(event: JournalEvent): void {
    if (event.kind === 'reading' || event.kind === 'settled')
      this.come(event.boot!, event.seq!, { state: 'stored', time: event.time })
    else if (event.kind === 'reject')
      for (const seq of event.settles!.seqs) this.come(event.settles!.boot, seq, { state: 'rejected', time: null })
    else if (event.kind === 'status') {
      this.latestBirth = event.status!.boot!
      this.young.clear()
    } else if (event.kind === 'oldest') this.oldest(event.boot, event.seq)
  }

  oldest(boot: number, seq: number): void {
    const one = this.boot(boot)
    if (seq >= one.oldest) {
      one.oldest = seq
      one.known = Math.max(one.known, seq)
      for (let s = 0; s < seq; s++) if (!one.came.has(s)) one.lost.add(s)
    }
    if (boot !== this.latestBirth) return
    for (const [other, account] of this.boots)
      if (other !== boot && !this.young.has(other))
        for (let s = 0; s <= account.known; s++) if (!account.came.has(s)) account.lost.add(s)
  }

  receipt(boot: number): ReceiptEntry | undefined {
    const { came, lost } = this.boot(boot)
    const settled = (s: number): boolean => came.has(s) || lost.has(s)
    const all = [...came.keys(), ...lost]
    if (all.length === 0) return undefined
    let to = -1
    while (settled(to + 1)) to++
    const rejected = [...came.values()].filter(one => one.state === 'rejected').length
    return { boot, seq: to < 0 ? null : to, seen: Math.max(...all), ...(rejected > 0 ? { rejected } : {}) }
  }

  counts() {
    let stored = 0
    let rejected = 0
    let missing = 0
    let lost = 0
    for (const one of this.boots.values()) {
      for (const { state } of one.came.values()) state === 'stored' ? stored++ : rejected++
      lost += one.lost.size
      for (let s = 0; s <= one.known; s++) if (!one.came.has(s) && !one.lost.has(s)) missing++
    }
    return { expected: stored + rejected + missing + lost, stored, rejected, missing, lost }
  }

  /** One gap a seq that did not come. */
  gaps(): Gap[] {
    const gaps: Gap[] = []
    for (const [boot, { came, lost, known }] of this.boots) {
      for (let s = 0; s <= known; s++) {
        if (came.has(s)) continue
        gaps.push({
          boot,
          from: s,
          to: s,
          first_ms: neighbour(came, s, known, -1),
          last_ms: neighbour(came, s, known, 1),
          state: lost.has(s) ? 'lost' : 'open',
        })
      }
    }
    return gaps
  }
}

/** From `seq` over those that did not come to the next that did, then along its unbroken run to the first that has a time. */
function neighbour(came: Map<number, Seq>, seq: number, known: number, step: number): number | null {
  let s = seq
  while (s >= 0 && s <= known && !came.has(s)) s += step
  for (; came.has(s); s += step) if (came.get(s)!.time !== null) return came.get(s)!.time
  return null
}

const single = (gaps: readonly Gap[]): Gap[] =>
  gaps.flatMap(gap => Array.from({ length: gap.to - gap.from + 1 }, (_, i) => ({ ...gap, from: gap.from + i, to: gap.from + i })))

const inOrder = (gaps: readonly Gap[]): Gap[] => [...gaps].sort((a, b) => a.boot - b.boot || a.from - b.from)

const boot = fc.integer({ min: 1, max: 3 })
const seq = fc.nat(highestSeq)
const base = { node, arrived: 1_700_000_000_000 }
const step: fc.Arbitrary<JournalEvent | 'restart'> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({ boot, seq, kind: fc.constantFrom('reading', 'settled'), time: fc.nat(1000) })
      .map(one => ({ ...base, names: [], values: [], ...one }) as JournalEvent),
  },
  fc
    .record({ boot, seqs: fc.uniqueArray(seq, { minLength: 1, maxLength: 3 }) })
    .map(settles => ({ ...base, kind: 'reject', settles }) as unknown as JournalEvent),
  fc.record({ boot, seq, ownBoot: boot }).map(one => ({ ...base, kind: 'oldest', ...one }) as JournalEvent),
  boot.map(
    born => ({ ...base, kind: 'status', live: true, status: { node_id: 'node_01', online: true, boot: born } }) as JournalEvent,
  ),
  fc.constant('restart' as const),
)

function agree(ledger: Ledger, model: Model): void {
  const { gaps, ...report } = ledger.report(node)
  expect(report).toEqual({ node, duplicates: 0, ...model.counts() })
  expect(inOrder(single(gaps))).toEqual(inOrder(model.gaps()))
  const receipts = ledger.receipt(node, base.arrived)
  for (let b = 1; b <= 3; b++) {
    expect(receipts.find(entry => entry.boot === b)).toEqual(model.boots.has(b) ? model.receipt(b) : undefined)
    for (let s = 0; s <= highestSeq; s++) expect(ledger.known(node, b, s)).toBe(model.boots.get(b)?.came.get(s)?.state ?? 'no')
  }
}

test('after any events and restarts the ledger says what a map of every seq says', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      let ledger = createLedger()
      const model = new Model()
      for (const one of steps) {
        if (one === 'restart') {
          const snapshot = ledger.snapshot(node)
          ledger = createLedger()
          if (snapshot !== undefined) ledger.restore(node, JSON.parse(JSON.stringify(snapshot)))
          continue
        }
        ledger.apply(one)
        model.apply(one)
      }
      agree(ledger, model)
    }),
    { numRuns: 600 * scale },
  )
})

test('the ledger agrees with the map after every single event, too', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), steps => {
      const ledger = createLedger()
      const model = new Model()
      for (const one of steps) {
        if (one === 'restart') continue
        ledger.apply(one)
        model.apply(one)
        agree(ledger, model)
      }
    }),
    { numRuns: 100 * scale },
  )
})

test('an oldest that is no news, asked before the reading it came with, would have changed nothing', () => {
  let noNews = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), boot, seq, fc.nat(3), (steps, own, oldest, above) => {
      const ledger = createLedger()
      for (const one of steps) if (one !== 'restart') ledger.apply(one)
      const news = ledger.oldestIsNews(node, own, oldest)
      ledger.apply({ ...base, kind: 'settled', boot: own, seq: oldest + above, time: 1 })
      const before = [ledger.report(node), ledger.receipt(node, base.arrived)]
      ledger.apply({ ...base, kind: 'oldest', ownBoot: own, boot: own, seq: oldest })
      if (news) return
      noNews++
      expect([ledger.report(node), ledger.receipt(node, base.arrived)]).toEqual(before)
    }),
    { numRuns: 600 * scale },
  )
  expect(noNews).toBeGreaterThan(50)
})

/** A node with a ring, and a broker that may lose any message: births, heartbeats, readings. */
interface Taken {
  readonly boot: number
  readonly seq: number
}
const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('take' as const), arrives: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('reboot' as const), arrives: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('status' as const), arrives: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('backlog' as const), arrives: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('receipt' as const), arrives: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('again' as const), arrives: fc.boolean(), last: fc.integer({ min: 1, max: 12 }) }),
  },
)

test('no receipt covers a reading that its node still holds and the manager does not have, whatever the broker loses', () => {
  let covered = 0
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60, size: 'max' }), fc.integer({ min: 1, max: 6 }), (actions, room) => {
      const ledger = createLedger()
      let ring: Taken[] = []
      let boot = 100
      let seq = 0
      let uptime = 0
      const delivered: (() => void)[] = []
      const deliver = (message: () => void, arrives: boolean): void => {
        if (!arrives) return
        delivered.push(message)
        message()
      }
      const send = (readings: readonly Taken[], arrives: boolean): void => {
        const { boot: oldestBoot, seq: oldestSeq } = ring[0]!
        deliver(() => {
          for (const one of readings)
            if (ledger.known(node, one.boot, one.seq) === 'no')
              ledger.apply({ ...base, kind: 'reading', names: [], values: [], time: 1, ...one } as JournalEvent)
          ledger.apply({ ...base, kind: 'oldest', ownBoot: readings[0]!.boot, boot: oldestBoot, seq: oldestSeq } as JournalEvent)
        }, arrives)
      }
      const speak = (arrives: boolean): void => {
        const status = { node_id: 'node_01', online: true, boot, uptime: uptime++ }
        deliver(() => ledger.apply({ ...base, kind: 'status', live: true, status } as JournalEvent), arrives)
      }
      for (const one of actions) {
        const { kind, arrives } = one
        if (kind === 'take') {
          ring.push({ boot, seq: seq++ })
          if (ring.length > room) ring.shift()
          send(ring.slice(-1), arrives)
        } else if (kind === 'reboot') {
          boot++
          seq = uptime = 0
          speak(arrives)
        } else if (kind === 'status') speak(arrives)
        else if (kind === 'again') {
          // A broker that was killed has what it had saved last, and sends that again.
          for (const message of delivered.slice(-one.last)) message()
        } else if (kind === 'backlog') {
          // The oldest first, of one boot and without a hole.
          const run = ring.filter((one, i) => one.boot === ring[0]!.boot && one.seq === ring[0]!.seq + i)
          if (run.length > 0) send(run.slice(0, 3), arrives)
        } else {
          const receipts = ledger.receipt(node, base.arrived)
          const settled = (one: Taken): boolean => {
            const entry = receipts.find(r => r.boot === one.boot)
            return entry !== undefined && entry.seq !== null && one.seq <= entry.seq
          }
          for (const one of ring) {
            if (!settled(one)) continue
            covered++
            expect(ledger.known(node, one.boot, one.seq)).toBe('stored')
          }
          if (arrives) ring = ring.filter(one => !settled(one))
        }
      }
      // In the end the node holds readings of its own boot alone and nothing gets lost: what is not there then is booked lost.
      ring = []
      speak(true)
      for (let i = 0; i < 2; i++) {
        ring.push({ boot, seq: seq++ })
        send(ring, true)
        speak(true)
      }
      expect(ledger.report(node).missing).toBe(0)
    }),
    { numRuns: 2_000 * scale },
  )
  expect(covered).toBeGreaterThan(2_000)
})
