import { isUtf8 } from 'node:buffer'
import { parseTopic } from '../../contract/topics.ts'

/** What a delivery's topic means here. `ingest`: telemetry, status, ack, also of an id that is none. `sys`: the broker's own figures.
 *  `other`: acknowledged and nothing else (a subscription that an earlier version left in the session). */
export interface KnownTopic {
  readonly name: string
  readonly kind: 'ingest' | 'log' | 'sys' | 'other'
  readonly node: string | null
  readonly status: boolean
}

const remembered = 65_536
/** A topic that means something here is shorter; others may have 65,535 bytes, and 65,536 of those would be 4 GB. */
const rememberedBytes = 128

/** Topics by the bytes they have on the wire: a name is checked and taken apart once, not once a message. */
export class KnownTopics {
  private readonly known = new Map<string, KnownTopic>()
  private readonly root: string

  constructor(root: string) {
    this.root = root
  }

  fromWire(bytes: Buffer, start: number, end: number): KnownTopic {
    // latin1 is a lossless key and costs no UTF-8 check.
    const key = bytes.toString('latin1', start, end)
    let topic = this.known.get(key)
    if (topic !== undefined) return topic
    const raw = bytes.subarray(start, end)
    topic = isUtf8(raw) ? this.read(raw.toString()) : other(key)
    if (end - start > rememberedBytes) return topic
    if (this.known.size >= remembered) this.known.clear()
    this.known.set(key, topic)
    return topic
  }

  private read(name: string): KnownTopic {
    if (name.startsWith('$SYS/')) return { ...other(name), kind: 'sys' }
    const parsed = parseTopic(name, this.root)
    const what = parsed.kind === 'badId' ? parsed.of : parsed.kind
    const node = 'node' in parsed ? parsed.node : null
    const kind = what === 'log' ? 'log' : what === 'telemetry' || what === 'status' || what === 'ack' ? 'ingest' : 'other'
    return { name, kind, node, status: what === 'status' }
  }
}

const other = (name: string): KnownTopic => ({ name, kind: 'other', node: null, status: false })

/** What the session is subscribed to, with its QoS. Logs are no reading: what is lost of them is lost. */
export const nodeFilters = (root: string): { topic: string; qos: 0 | 1 }[] => [
  { topic: `${root}/node/+/telemetry`, qos: 1 },
  { topic: `${root}/node/+/status`, qos: 1 },
  { topic: `${root}/node/+/ack`, qos: 1 },
  { topic: `${root}/node/+/log`, qos: 0 },
]
