import { shown } from './fault.ts'
import { type Refused, refused } from './refused.ts'

/** `node_id` is there and is that of the topic (wire contract §1); the same for telemetry, status and ack. */
export function nodeIdFault(object: Readonly<Record<string, unknown>>, topicNode: string): Refused | null {
  const id = object['node_id']
  if (typeof id !== 'string') return refused('node_id_missing', `node_id is ${shown(id)}`)
  if (id !== `node_${topicNode}`) return refused('node_id_mismatch', `node_id is ${shown(id)} on the topic of node ${topicNode}`)
  return null
}
