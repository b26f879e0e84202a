import { type EmbeddedBroker, openEmbeddedBroker } from '../broker/embedded/embedded.ts'
import type { UpOptions } from '../config/config.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Messages } from '../fleet/messages/messages.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Clock } from '../kit/clock.ts'
import { listening } from './errors.ts'
import { authenticator } from './identities.ts'
import type { Lan } from './lan.ts'
import type { Log } from './log.ts'
import type { Secrets } from './secrets.ts'

export interface OwnBrokerParts {
  readonly options: UpOptions
  readonly lan: Pick<Lan, 'listeners'>
  readonly secrets: Secrets
  readonly lane: Pick<Lane, 'accept' | 'oversize'>
  readonly fleet: Fleet
  readonly messages: Pick<Messages, 'notice'>
  readonly clock: Clock
  readonly version: string
  readonly log: Log
  /** What it finds while it opens is damage of the kept sessions: said here, in words. */
  readonly damage: string[]
}

/** The embedded broker, joined to those it speaks to: messages to the lane, reachability to the fleet, log-ins to who knows them. */
export async function openOwnBroker(parts: OwnBrokerParts): Promise<EmbeddedBroker> {
  const { options, lan, secrets, lane, fleet, messages, clock, version, log, damage } = parts
  let opening = true
  const [plain, secure = plain] = lan.listeners
  const named = <T>(listen: () => Promise<T>): Promise<T> =>
    listening('--mqtts-port', secure!.host, secure!.port, () => listening('--mqtt-port', plain!.host, plain!.port, listen))
  const broker = await named(() =>
    openEmbeddedBroker(
      {
        listeners: lan.listeners,
        keepDir: `${options.data}/broker`,
        commitWindowMs: options.commitWindowMs,
        refuses: node => fleet.identities.refuses(node),
        clock,
        version,
        onNotice: notice => messages.notice(notice),
        onAlarm: text => {
          log.error(text)
          if (opening) damage.push(text)
        },
      },
      {
        accept: group => lane.accept(group),
        oversize: notice => lane.oversize(notice),
        reachability: (node, reachable) => fleet.reachability(node, reachable),
        authenticate: authenticator(secrets, fleet.identities),
      },
    ),
  )
  opening = false
  return broker
}
