import { nodeIdPattern } from '../../contract/topics.ts'

/** What somebody most likely meant by a topic that reaches nobody: `iot/nodes/01/data` → `iot/node/01/telemetry`. */
export interface NearestTopic {
  readonly topic: string
  /** Stands in the topic that was used, as it is. */
  readonly node: string | null
  /** What is wrong, for a sentence. */
  readonly wrong: string
}

const kinds = ['telemetry', 'status', 'ack', 'log'] as const
type Kind = (typeof kinds)[number]

/** `user`: the node whose log-in it came with, null on the loopback. */
export function nearestTopic(topic: string, root: string, user: string | null): NearestTopic {
  const levels = topic.split('/')
  const filled = levels.filter(level => level !== '')
  const rest = [...filled]
  const rooted = like(rest[0], root)
  if (rooted) rest.shift()
  const noded = like(rest[0], 'node')
  if (noded) rest.shift()
  // Below another root, or without `node`, the kind is what stands last, and the id before it.
  const kind = kindOf(rest.at(-1))
  if (kind !== null && rest.length > 1) rest.pop()
  const given = rooted || noded ? rest[0] : rest.at(-1)
  const node = given !== undefined && nodeIdPattern.test(given) ? given : null
  return {
    topic: `${root}/node/${user ?? node ?? cleaned(given)}/${kind ?? 'telemetry'}`,
    node,
    wrong: wrongOf(topic, levels, root, { rooted, noded, rest, kind }),
  }
}

function wrongOf(
  topic: string,
  levels: readonly string[],
  root: string,
  is: { rooted: boolean; noded: boolean; rest: readonly string[]; kind: Kind | null },
): string {
  const [first = '', second = ''] = levels
  if (topic.startsWith('/')) return 'it begins with a slash'
  if (first !== root) return is.rooted ? `its first level is ${first}, not ${root}` : `its first level is not ${root}`
  if (second !== 'node') return is.noded ? `its second level is ${second}, not node` : 'its second level is not node'
  if (topic.endsWith('/')) return 'it ends with a slash'
  if (levels.length < 3) return 'it names no node'
  if (levels.length === 3) return 'it does not say what is sent (telemetry)'
  if (levels.length > 4) return 'it has more than four levels'
  return `it ends with ${levels[3]}, which is none of ${kinds.join(', ')}`
}

/** Another case, a plural, one letter too many, too few or wrong. */
function like(level: string | undefined, wanted: string): boolean {
  if (level === undefined) return false
  const word = level.toLowerCase()
  return word === wanted || word === `${wanted}s` || (word.length > 2 && oneEdit(word, wanted))
}

function oneEdit(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  let end = 0
  while (end < Math.min(a.length, b.length) - at && a.at(-1 - end) === b.at(-1 - end)) end++
  return Math.max(a.length, b.length) - at - end <= 1
}

const synonyms: Readonly<Record<string, Kind>> = {
  data: 'telemetry',
  sensor: 'telemetry',
  sensors: 'telemetry',
  reading: 'telemetry',
  readings: 'telemetry',
  state: 'telemetry',
  values: 'telemetry',
  tele: 'telemetry',
  lwt: 'status',
  online: 'status',
  logs: 'log',
  acks: 'ack',
}

function kindOf(level: string | undefined): Kind | null {
  const word = level?.toLowerCase() ?? ''
  return synonyms[word] ?? kinds.find(kind => word === kind || (kind.length > 3 && like(word, kind))) ?? null
}

/** An id of what can't be one. */
function cleaned(level: string | undefined): string {
  const id = (level ?? '')
    .replace(/[^A-Za-z0-9_-]/g, '_')
    .replace(/^[_-]+/, '')
    .slice(0, 32)
  return id === '' ? '01' : id
}
