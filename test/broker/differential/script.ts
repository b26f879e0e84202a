import type { Random } from '../../../src/kit/random.ts'

/** What a differential script is made of: steps of up to three clients under topics of the script's own, each step finished on the
 *  broker before the next. A script is data, so that a failing one can be printed and made smaller. */
export type Qos = 0 | 1 | 2

export interface Will {
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
}

export interface Send {
  readonly client: number
  readonly topic: string
  readonly qos: Qos
  readonly retain: boolean
  readonly empty: boolean
}

export type Step =
  /** Connects; one that is connected already is taken over. `hold`: it acknowledges nothing before an `acknowledge`. */
  | {
      readonly do: 'connect'
      readonly client: number
      readonly clean: boolean
      readonly hold: boolean
      readonly will: Will | null
    }
  /** DISCONNECT. */
  | { readonly do: 'disconnect'; readonly client: number }
  /** The connection ends without DISCONNECT. */
  | { readonly do: 'drop'; readonly client: number }
  | { readonly do: 'subscribe'; readonly client: number; readonly filters: readonly (readonly [string, Qos])[] }
  | { readonly do: 'unsubscribe'; readonly client: number; readonly filters: readonly string[] }
  | ({ readonly do: 'publish' } & Send)
  /** QoS 2, PUBLISH sent again with DUP before PUBREL. */
  | ({ readonly do: 'repeat' } & Send)
  /** Several at once, nobody waits for anybody. */
  | { readonly do: 'burst'; readonly sends: readonly Send[] }
  /** A holding client acknowledges the oldest `count`, all the way or (QoS 2) only by PUBREC. */
  | { readonly do: 'acknowledge'; readonly client: number; readonly count: number; readonly whole: boolean }
  /** A holding client acknowledges until nothing comes any more. */
  | { readonly do: 'drain'; readonly client: number }

/** Topics of a script, relative to its prefix: few, so that they meet; with an empty level, a level that begins with $, one beyond
 *  ASCII, and the prefix itself. */
export const topics = ['', '/a', '/a/b', '/a/b/c', '/b', '/a/', '//b', '/$s', '/ü/b'] as const
const filters = [
  ...topics.filter(topic => topic !== '/ü/b'),
  '/#',
  '/+',
  '/a/#',
  '/a/+',
  '/+/b',
  '/+/+',
  '/a/+/c',
  '/+/#',
  '/a/b/#',
  '/ü/+',
] as const

export const clients = 3

export function randomScript(random: Random): Step[] {
  const steps: Step[] = []
  const length = 8 + random.below(24)
  for (let i = 0; i < length; i++) steps.push(i < 2 ? connect(random) : randomStep(random))
  return steps
}

const one = <T>(random: Random, from: readonly T[]): T => from[random.below(from.length)]!
const qos = (random: Random): Qos => random.below(3) as Qos
const someone = (random: Random): number => random.below(clients)

function randomStep(random: Random): Step {
  const dice = random.below(100)
  if (dice < 16) return connect(random)
  if (dice < 20) return { do: 'disconnect', client: someone(random) }
  if (dice < 28) return { do: 'drop', client: someone(random) }
  if (dice < 46) {
    const wanted = Array.from({ length: 1 + random.below(3) }, () => [one(random, filters), qos(random)] as const)
    return { do: 'subscribe', client: someone(random), filters: wanted }
  }
  if (dice < 51) {
    const length = 1 + random.below(2)
    return { do: 'unsubscribe', client: someone(random), filters: Array.from({ length }, () => one(random, filters)) }
  }
  if (dice < 79) return { do: 'publish', ...send(random) }
  if (dice < 82) return { do: 'repeat', ...send(random), qos: 2 }
  if (dice < 92) {
    // Retained values of a race would depend on who won it.
    const sends = Array.from({ length: 2 + random.below(8) }, () => ({ ...send(random), retain: false }))
    return { do: 'burst', sends }
  }
  return { do: 'acknowledge', client: someone(random), count: 1 + random.below(6), whole: random.below(3) > 0 }
}

function connect(random: Random): Step {
  const will = random.below(3) === 0 ? { topic: one(random, topics), qos: qos(random), retain: random.below(3) === 0 } : null
  return { do: 'connect', client: someone(random), clean: random.below(5) < 2, hold: random.below(4) === 0, will }
}

function send(random: Random): Send {
  const retain = random.below(3) === 0
  return { client: someone(random), topic: one(random, topics), qos: qos(random), retain, empty: retain && random.below(4) === 0 }
}

/** The standard's rule for filters, written anew: the router's own is what is under test. */
export function matches(filter: string, topic: string): boolean {
  const f = filter.split('/')
  const t = topic.split('/')
  for (let i = 0; i < f.length; i++) {
    if (f[i] === '#') return true
    if (i >= t.length || (f[i] !== '+' && f[i] !== t[i])) return false
  }
  return f.length === t.length
}

/** The steps that can be done, in the form in which both brokers have to do the same. A plan leaves out what a client that isn't
 *  connected would do, and keeps clear of the named differences (see differential.test.ts): overlapping filters of a client get
 *  one grant, and an old will goes with a take-over only where mosquitto publishes it. `drained`: no client goes while messages wait
 *  for it, since how many came before depends on the window, which mosquitto 2.0.11 lets grow; nor has it many QoS 2 messages open. */
export function plan(script: readonly Step[], drained: boolean): Step[] {
  const connected = Array.from({ length: clients }, () => ({ on: false, hold: false, clean: true, will: false }))
  const held = Array.from({ length: clients }, () => new Map<string, Qos>())
  const steps: Step[] = []
  for (const step of script) {
    if (step.do === 'burst') {
      const open = [0, 0, 0]
      const sends = step.sends
        .filter(({ client }) => connected[client]!.on)
        .map(send => (drained && send.qos === 2 && open[send.client]!++ >= 2 ? { ...send, qos: 1 as const } : send))
      if (sends.length > 0) steps.push({ do: 'burst', sends })
      continue
    }
    const client = connected[step.client]!
    const grants = held[step.client]!
    const ends = step.do === 'disconnect' || step.do === 'drop'
    if (drained && client.on && client.hold && (ends || step.do === 'connect')) steps.push({ do: 'drain', client: step.client })
    if (step.do === 'connect') {
      if (client.on && client.will && !step.clean) steps.push({ do: 'disconnect', client: step.client })
      if (step.clean || client.clean) grants.clear()
      Object.assign(client, { on: true, hold: step.hold, clean: step.clean, will: step.will !== null })
      steps.push(step)
      continue
    }
    if (!client.on) continue
    if (step.do === 'subscribe') {
      const wanted = step.filters.flatMap(([filter, qos]) => {
        const grant = oneGrant(grants, filter, qos)
        return grant === null ? [] : [[filter, grant] as const]
      })
      if (wanted.length > 0) steps.push({ ...step, filters: wanted })
      continue
    }
    if (step.do === 'unsubscribe') for (const filter of step.filters) grants.delete(filter)
    if (ends) client.on = false
    if (step.do === 'acknowledge' && !client.hold) continue
    steps.push(step)
  }
  for (const [client, { on, hold }] of connected.entries()) if (on && hold) steps.push({ do: 'drain', client })
  return steps
}

/** The grant that a filter gets beside those already held; null: those it overlaps have different ones. */
function oneGrant(grants: Map<string, Qos>, filter: string, qos: Qos): Qos | null {
  const beside = new Set<Qos>()
  for (const [other, grant] of grants) {
    if (other !== filter && topics.some(topic => matches(other, topic) && matches(filter, topic))) beside.add(grant)
  }
  if (beside.size > 1) return null
  const [grant = qos] = beside
  grants.set(filter, grant)
  return grant
}
