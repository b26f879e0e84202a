import type { Observation, SeenMessage } from './run.ts'

/** What two brokers did differently on one plan, a sentence each; empty when a client can't tell them apart by anything the standard
 *  fixes. Order is fixed for the messages of one publisher on one topic at one QoS, not between those. */
export function differences(ours: Observation, theirs: Observation): string[] {
  const found: string[] = []
  for (const [client, connections] of ours.entries()) {
    for (const [number, mine] of connections.entries()) {
      const where = `client ${client}, connection ${number}`
      const other = theirs[client]![number]
      if (other === undefined) {
        found.push(`${where}: only on ours`)
        continue
      }
      if (mine.sessionPresent !== other.sessionPresent)
        found.push(`${where}: session present ${mine.sessionPresent} / ${other.sessionPresent}`)
      const granted = [mine.granted, other.granted].map(codes => JSON.stringify(codes))
      if (granted[0] !== granted[1]) found.push(`${where}: SUBACK ${granted[0]} / ${granted[1]}`)
      found.push(...messageDifferences(mine.messages, other.messages).map(difference => `${where}: ${difference}`))
    }
  }
  return found
}

function messageDifferences(ours: readonly SeenMessage[], theirs: readonly SeenMessage[]): string[] {
  const mine = byOrder(ours)
  const others = byOrder(theirs)
  const found: string[] = []
  for (const key of new Set([...mine.keys(), ...others.keys()])) {
    const a = mine.get(key) ?? []
    const b = others.get(key) ?? []
    if (a.join() !== b.join()) found.push(`${key}: [${a.join(', ')}] / [${b.join(', ')}]`)
  }
  return found
}

/** Sequences within which the standard fixes the order [MQTT-4.6.0-6]; what a payload says of its origin is in front of its colon. */
function byOrder(messages: readonly SeenMessage[]): Map<string, string[]> {
  const sequences = new Map<string, string[]>()
  for (const { topic, payload, qos, retain, dup } of messages) {
    const origin = payload.includes(':') ? payload.slice(0, payload.indexOf(':')) : payload
    const key = `${topic} from ${origin} qos ${qos}${retain ? ' retained' : ''}${dup ? ' dup' : ''}`
    const sequence = sequences.get(key)
    if (sequence === undefined) sequences.set(key, [payload])
    else sequence.push(payload)
  }
  return sequences
}
