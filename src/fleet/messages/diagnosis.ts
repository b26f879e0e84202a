import type { Verdict } from '../../api/messages.ts'
import type { BrokerNotice, Refusal } from '../../broker/broker.ts'
import { said } from '../../contract/code-text.ts'
import { type NoticeReason, notices } from '../../contract/codes.ts'
import { nodeIdPattern, parseTopic } from '../../contract/topics.ts'
import { nearestTopic } from './nearest-topic.ts'

/** A notice of the broker as a person is told it. `subject`: what makes two of them the same. */
export interface Diagnosis {
  readonly verdict: Verdict
  readonly reason: NoticeReason
  readonly subject: string
  readonly detail: string
  readonly node: string | null
}

type Told<K extends BrokerNotice['kind']> = Extract<BrokerNotice, { kind: K }>

const reasonOf: Readonly<Record<Refusal, NoticeReason>> = {
  credentials: 'bad_credentials',
  anonymous: 'no_credentials',
  client_id: 'bad_client_id',
  version: 'wrong_version',
  tls: 'tls_failed',
  tls_on_plain: 'tls_on_plain',
}

/** What OpenSSL calls it when the other side sends an alert about our certificate. */
const distrust = /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED)/

function refusedFor({ why, user, got }: Told<'refused'>, isKnown: (user: string) => boolean | null): NoticeReason {
  if (why === 'credentials' && user !== null && isKnown(user) === false) return 'unknown_user'
  if (why === 'tls' && got !== null && distrust.test(got)) return 'tls_untrusted'
  // It showed a certificate: of another CA, or one that was revoked.
  if (why === 'anonymous' && (got !== null || user !== null)) return 'bad_certificate'
  return reasonOf[why]
}

export function refusedLogIn(notice: Told<'refused'>, isKnown: (user: string) => boolean | null): Diagnosis {
  const { user, client, got } = notice
  const from = hostOf(notice.address)
  const reason = refusedFor(notice, isKnown)
  const who =
    user === null
      ? client
        ? `client ${JSON.stringify(shortened(client))} at ${from}`
        : `a client at ${from}`
      : `${JSON.stringify(shortened(user))} at ${from}`
  const what =
    (reason === 'wrong_version' || reason === 'bad_certificate') && got !== null
      ? `${who} was not let in (${got})`
      : `${who} was not let in`
  const node = user !== null && nodeIdPattern.test(user) ? user : null
  return {
    verdict: 'refused',
    reason,
    subject: `${shortened(user ?? client ?? '')} ${from}`,
    detail: inWords(reason, what, node),
    node,
  }
}

/** Denied by what the client may do, or a topic that means nothing: the second is the more useful thing to say. */
export function deniedTopic(notice: Told<'denied'> | Told<'unrouted'>, root: string): Diagnosis {
  const { topic, identity } = notice
  const own = identity.role === 'node' ? identity.user : null
  const who = identity.user ?? 'a client of this machine'
  const subject = `${identity.user ?? ''} ${shortened(topic)}`
  if (notice.kind === 'denied' && notice.action === 'subscribe')
    return {
      verdict: 'denied',
      reason: 'not_readable',
      subject,
      detail: inWords('not_readable', `${who} asked for ${JSON.stringify(shortened(topic))}`, own),
      node: own,
    }
  const parsed = parseTopic(topic, root)
  const denied = (reason: NoticeReason, node: string | null): Diagnosis => ({
    verdict: 'denied',
    reason,
    subject,
    detail: inWords(reason, `${who} published to ${JSON.stringify(shortened(topic))}`, node),
    node,
  })
  if (parsed.kind === 'brokerStatus' || parsed.kind === 'brokerStats' || topic.startsWith('$')) return denied('only_manager', own)
  if (parsed.kind === 'command' || parsed.kind === 'receipt') return denied('only_manager', own ?? parsed.node)
  if ('node' in parsed) {
    const mine = own === null || own === parsed.node
    return mine ? denied('not_claimed', parsed.node) : denied('not_yours', own)
  }
  const near = nearestTopic(topic, root, own)
  const text = { ...notices.wrong_topic, mend: `Publish to ${near.topic}.` }
  const detail = said(text, `the topic is ${JSON.stringify(shortened(topic))}: ${near.wrong}`)
  return { verdict: 'wrong_topic', reason: 'wrong_topic', subject, detail, node: own ?? near.node }
}

export function fightOver(notice: Told<'takeover'>, count: number): Diagnosis {
  const { client, identity, address, before } = notice
  const between =
    hostOf(address) === hostOf(before) ? `both at ${hostOf(address)}` : `at ${hostOf(before)} and ${hostOf(address)}`
  const what = `client id ${JSON.stringify(shortened(client))} was taken over ${count} times, by clients ${between}`
  const node = identity.role === 'node' ? identity.user : nodeIdPattern.test(client) ? client : null
  return { verdict: 'fight', reason: 'client_fight', subject: client, detail: inWords('client_fight', what, null), node }
}

/** `id` in the place of ID, where it is known. */
function inWords(reason: NoticeReason, got: string, id: string | null): string {
  const text = notices[reason]
  const named = (sentence: string): string => (id === null ? sentence : sentence.replaceAll(/\bID\b/g, id))
  return said({ ...text, allowed: named(text.allowed), mend: named(text.mend) }, got)
}

const shortened = (topic: string): string => (topic.length > 80 ? `${topic.slice(0, 80)}…` : topic)

/** Without the port, which is another one for each connection. */
export const hostOf = (address: string): string => address.replace(/:\d+$/, '')
