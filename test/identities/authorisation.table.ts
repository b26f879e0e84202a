/** Who tries what, and what may come of it: one table for every broker that serves the fleet. The verdicts are written from the wire
 *  contract §1 alone, as a reader of it would, and share nothing with the code that decides. */

/** Who. `stranger`: an anonymous client on the loopback that speaks for nodes which nobody claimed, under the policy named. */
export const callers = [
  'anonymous',
  'node by password',
  'node by certificate',
  'service',
  'revoked node',
  'removed node',
  'wrong password',
  'stranger, quarantined',
  'stranger, refused',
] as const
export type Caller = (typeof callers)[number]

/** The id that goes with each caller: a node's own, or the one a stranger speaks for. */
export const ownId: Readonly<Record<Caller, string>> = {
  anonymous: '01',
  'node by password': '01',
  'node by certificate': '02',
  service: '_manager',
  'revoked node': '03',
  'removed node': '04',
  'wrong password': '01',
  'stranger, quarantined': '77',
  'stranger, refused': '77',
}

export const actions = ['publish', 'publish at QoS 0', 'publish at QoS 2', 'publish retained', 'will', 'will retained'] as const
export type Action = (typeof actions)[number]

const kinds = ['telemetry', 'status', 'ack', 'log', 'command', 'receipt'] as const
const longId = 'x'.repeat(33)

/** Topics that are tried by everybody; `{me}` stands for the caller's own id, `{other}` for that of another
 *  node, which is claimed. */
export const topics: readonly string[] = [
  ...kinds.map(kind => `iot/node/{me}/${kind}`),
  ...kinds.map(kind => `iot/node/{other}/${kind}`),
  'iot/node/{me}/telemetry/',
  'iot/node/{me}/telemetry/more',
  'iot/node/{me}',
  'iot/node/{me}/',
  'iot/node//telemetry',
  'iot//{me}/telemetry',
  '/iot/node/{me}/telemetry',
  'iot/node/{me}/Telemetry',
  'IOT/node/{me}/telemetry',
  'iot/node/{me}/config',
  'iot/node/ME /telemetry',
  `iot/node/${longId}/telemetry`,
  `iot/node/${longId}/status`,
  'iot/node/_manager/telemetry',
  'iot/node/kühlschrank/telemetry',
  'iot/node/kühlschrank/log',
  'iot/node/温室/status',
  'iot/node/-x/ack',
  'iot/node/$SYS/telemetry',
  'iot/broker/status',
  'iot/broker/stats',
  'iot/broker/other',
  'iot',
  'iot/',
  '/',
  'else/node/{me}/telemetry',
  'site/a/iot/node/{me}/telemetry',
  '$SYS/broker/version',
  '$SYS/iot/node/{me}/telemetry',
  '$iot/node/{me}/telemetry',
  '$share/g/iot/node/{me}/telemetry',
  `iot/node/{me}/${'long/'.repeat(3)}x`,
  `iot/${'deep/'.repeat(8)}x`,
  `iot/node/{me}/${'y'.repeat(300)}`,
  `iot/${'z'.repeat(60_000)}`,
  // What is no topic name at all: the connection ends.
  'iot/node/+/telemetry',
  'iot/node/#',
  '#',
  'iot/node/{me}/tele+metry',
  'iot/node/me\0/telemetry',
  '',
]

/** Filters that are tried by everybody. */
export const filters: readonly string[] = [
  ...kinds.map(kind => `iot/node/{me}/${kind}`),
  ...kinds.map(kind => `iot/node/{other}/${kind}`),
  'iot/broker/status',
  'iot/broker/stats',
  '#',
  '+',
  '+/#',
  '+/node/{me}/command',
  'iot/#',
  'iot/+/#',
  'iot/node/#',
  'iot/node/{me}/#',
  'iot/node/{me}/+',
  'iot/node/+/command',
  'iot/node/+/telemetry',
  'iot/+/{me}/command',
  'iot/broker/#',
  'iot/broker/+',
  'iot/node/{me}/command/#',
  'iot/node/{me}/command/',
  '/iot/node/{me}/command',
  'IOT/node/{me}/command',
  'iot/node//command',
  'iot',
  'else/#',
  '/#',
  '$SYS/#',
  '$SYS/broker/version',
  '$share/g/iot/#',
  '$iot/#',
  'iot/node/温室/command',
  `iot/${'deep/'.repeat(8)}x`,
  `iot/node/{me}/${'y'.repeat(300)}`,
  // No filters at all.
  'iot/#/command',
  'iot/node/{me}/comm+nd',
  'iot/node/{me}/command#',
  '',
]

/** What is published, by the manager, for those who subscribed: they may get it or not. */
export const told: readonly string[] = [
  ...kinds.map(kind => `iot/node/{me}/${kind}`),
  ...kinds.map(kind => `iot/node/{other}/${kind}`),
  'iot/broker/status',
  'iot/broker/stats',
]

export interface Verdict {
  /** A subscriber to everything sees it. */
  readonly forwarded: boolean
  /** It becomes an event: stored, or kept as a reject. */
  readonly judged: boolean
  /** It is no reject. */
  readonly accepted: boolean
}

const nothing: Verdict = { forwarded: false, judged: false, accepted: false }

const isId = (text: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(text)
export const maySpeak = (who: Caller): boolean => who !== 'revoked node' && who !== 'removed node' && who !== 'wrong password'
export const isNode = (who: Caller): boolean => who === 'node by password' || who === 'node by certificate'

/** Wire contract §1: a node writes telemetry, status, ack and log of its own; role local those of any node; services everything under
 *  the root. Ids that are none are judged (as rejects) and go no further. Nobody writes elsewhere. */
export function publishVerdict(who: Caller, topic: string): Verdict {
  if (!maySpeak(who) || !isTopicName(topic) || beyondBounds(topic)) return nothing
  const [root, node, id, kind, ...more] = topic.split('/')
  if (root !== 'iot') return nothing
  const ofNode = node === 'node' && id !== undefined && more.length === 0
  const fromNode = ofNode && ['telemetry', 'status', 'ack', 'log'].includes(kind ?? '')
  const judged = fromNode && kind !== 'log'
  if (isNode(who))
    return fromNode && id === ownId[who] ? { forwarded: true, judged, accepted: judged && kind !== 'ack' } : nothing
  if (who !== 'service' && !fromNode) return nothing
  if (ofNode && ['telemetry', 'status', 'ack', 'log', 'command', 'receipt'].includes(kind ?? '') && !isId(id!))
    return who !== 'service' && kind === 'log' ? nothing : { forwarded: false, judged, accepted: false }
  // Of nodes that nobody claimed: kept apart, or not even forwarded.
  const unclaimed = who.startsWith('stranger') && id !== otherId(who)
  if (unclaimed && who === 'stranger, refused') return nothing
  return { forwarded: true, judged, accepted: judged && kind !== 'ack' && !unclaimed }
}

/** A node: its own command and receipt and the broker's status, by their very names. Others: whatever begins with the root or $SYS. */
export function subscribeVerdict(who: Caller, filter: string): boolean {
  if (!maySpeak(who) || !isFilter(filter) || beyondBounds(filter)) return false
  if (isNode(who))
    return [`iot/node/${ownId[who]}/command`, `iot/node/${ownId[who]}/receipt`, 'iot/broker/status'].includes(filter)
  const first = filter.split('/')[0]
  return first === 'iot' || first === '$SYS'
}

/** MQTT 3.1.1, 4.7. */
export function matches(filter: string, topic: string): boolean {
  const pattern = filter
    .split('/')
    .map(level => (level === '#' ? '.*' : level === '+' ? '[^/]*' : level.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/')
    .replace(/\/\.\*$/, '(/.*)?')
  return new RegExp(`^${pattern}$`, 'su').test(topic) && !(/^[+#]/.test(filter) && topic.startsWith('$'))
}

const isTopicName = (topic: string): boolean => topic !== '' && !/[+#\0]/.test(topic)
const isFilter = (filter: string): boolean =>
  filter !== '' &&
  !filter.includes('\0') &&
  filter.split('/').every((level, i, all) => (level === '#' ? i === all.length - 1 : level === '+' || !/[+#]/.test(level)))
const beyondBounds = (name: string): boolean => Buffer.byteLength(name) > 256 || name.split('/').length > 8

export const named = (name: string, who: Caller): string =>
  name.replaceAll('{me}', ownId[who]).replaceAll('{other}', otherId(who))
const otherId = (who: Caller): string => (ownId[who] === '02' ? '01' : '02')
