import type { Fleet } from '../fleet/fleet.ts'
import { type Messages, openMessages } from '../fleet/messages/messages.ts'
import type { EventHub } from '../http/http.ts'
import type { Clock } from '../kit/clock.ts'

/** The message feed, joined to the event stream. Nodes that brought readings before this run have spoken already. */
export function joinMessages(fleet: Fleet, hub: EventHub, clock: Clock): Messages {
  const spoke = fleet.nodes().filter(node => node.stored > 0)
  const isKnown = (user: string): boolean => fleet.identities.list().some(({ id }) => id === user)
  const messages = openMessages({ clock, spoke: spoke.map(({ id }) => id), isKnown })
  messages.on(data => hub.publish({ type: 'message', data }))
  return messages
}
