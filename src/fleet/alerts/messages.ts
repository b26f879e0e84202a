import type { NodeView } from '../../api/nodes.ts'
import type { AlertRule } from '../../contract/alert-rules.ts'
import type { Message } from './channels/channel.ts'
import { type Instance, viewOf } from './instance.ts'
import { ruleText, spanText } from './words.ts'

export interface Place {
  readonly site: string
  readonly url: string | null
}

/** What is told of an alert. */
export function messageOf(
  i: Instance,
  event: 'firing' | 'resolved',
  rule: AlertRule | undefined,
  node: NodeView | undefined,
  place: Place,
): Message {
  const { notified: _, ...alert } = viewOf(i, null)
  const subject = subjectText(i, node)
  const over = event === 'resolved'
  const time = (over ? i.resolvedAt : i.firedAt) ?? i.since
  const lasted = over && i.resolvedAt !== null ? [`It lasted ${spanText(Math.max(0, i.resolvedAt - i.since))}.`] : []
  return {
    delivery: `${i.id}-${event}`,
    event,
    time,
    site: place.site,
    title: `${place.site}: ${over ? 'over: ' : ''}${i.rule}${subject}`,
    text: [sentence(i.detail), ...lasted, ...(rule ? [`Rule: ${ruleText(rule)}.`] : [])].join('\n'),
    url: place.url,
    // At the time of the event: the other end may have come by the time it is sent.
    alert: over ? alert : { ...alert, state: 'firing', resolved_at: null },
  }
}

export const testMessage = (delivery: string, time: number, channel: string, place: Place): Message => ({
  delivery,
  event: 'test',
  time,
  site: place.site,
  title: `${place.site}: a test`,
  text: `Alerts told on channel "${channel}" arrive here.`,
  url: place.url,
  alert: null,
})

function subjectText({ node: id, sensor }: Instance, node: NodeView | undefined): string {
  if (id === null) return ''
  const name = node?.name ? `${node.name} (${id})` : `node ${id}`
  return sensor === null ? `, ${name}` : `, ${sensor} of ${name}`
}

const sentence = (detail: string): string => `${detail.charAt(0).toUpperCase()}${detail.slice(1)}.`
