import { connect, type Socket } from 'node:net'

/** The load of bench/broker.ts, in a process of its own: publishers on plain sockets with frames made in advance, so that it costs less
 *  than the broker it loads. Prints one JSON line. */
export interface Load {
  readonly port: number
  readonly publishers: number
  readonly qos: 0 | 1
  /** Unacknowledged messages of one publisher. */
  readonly window: number
  /** One subscriber to everything, at the same QoS. */
  readonly subscriber: boolean
  readonly seconds: number
}

export interface LoadResult {
  readonly sent: number
  readonly acknowledged: number
  readonly delivered: number
  /** From the first PUBLISH to the last acknowledgement, or the last delivery if that was later. */
  readonly seconds: number
  /** Of PUBLISH to PUBACK (QoS 1), of PUBLISH to delivery (QoS 0 with a subscriber), in ms. */
  readonly p50: number | null
  readonly p99: number | null
}

const digits = 13
const firstMs = Date.UTC(2026, 0, 2)

/** A PUBLISH whose timestamp is a counter: every message is another reading. */
class Publisher {
  sent = 0
  acknowledged = 0
  private readonly frame: Buffer
  private readonly idAt: number
  private readonly timeAt: number
  private readonly sentAt: Float64Array
  private readonly load: Load
  private readonly latencies: Latencies
  readonly socket: Socket

  constructor(socket: Socket, number: number, load: Load, latencies: Latencies) {
    this.socket = socket
    this.load = load
    this.latencies = latencies
    const topic = `iot/node/n${number}/telemetry`
    const payload = `{"node_id":"node_n${number}","timestamp":${'0'.repeat(digits - 3)}.000,"sensors":{"temperature":22.5,"humidity":45.2},"wifi_rssi":-65,"uptime":3600}`
    const length = 2 + topic.length + (load.qos > 0 ? 2 : 0) + payload.length
    const head = [0x30 | (load.qos << 1), (length & 127) | 128, length >> 7, 0, topic.length]
    this.frame = Buffer.concat([Buffer.from(head), Buffer.from(topic), Buffer.alloc(load.qos > 0 ? 2 : 0), Buffer.from(payload)])
    this.idAt = head.length + topic.length
    this.timeAt = this.frame.indexOf('"timestamp":') + 12
    this.sentAt = new Float64Array(65_536)
    if (load.qos > 0) socket.on('data', chunk => this.answered(chunk.length / 4))
  }

  /** Sends what the window allows, at QoS 0 `room`; answers with how many. */
  fill(now: number, roomAtQos0: number): number {
    const { qos, window } = this.load
    const room =
      qos > 0 ? window - (this.sent - this.acknowledged) : Math.min(roomAtQos0, this.socket.writableLength > 0 ? 0 : 64)
    if (room <= 0) return 0
    const { frame } = this
    const out = Buffer.allocUnsafe(room * frame.length)
    for (let i = 0; i < room; i++) {
      const n = ++this.sent
      if (qos > 0) frame.writeUInt16BE((n % 65_535) + 1, this.idAt)
      this.sentAt[n & 65_535] = now
      this.writeTime(firstMs + n)
      frame.copy(out, i * frame.length)
    }
    this.socket.write(out)
    return room
  }

  sentTime(n: number): number {
    return this.sentAt[n & 65_535]!
  }

  /** PUBACKs come in order (every broker here keeps it), so their number is enough. */
  private answered(count: number): void {
    const now = performance.now()
    for (let i = 0; i < count; i++) this.latencies.add(now - this.sentTime(++this.acknowledged))
  }

  private writeTime(ms: number): void {
    let rest = ms
    for (let at = this.timeAt + digits; at >= this.timeAt; at--) {
      if (at === this.timeAt + digits - 3) continue
      this.frame[at] = 48 + (rest % 10)
      rest = Math.floor(rest / 10)
    }
  }
}

class Latencies {
  private readonly sample = new Float64Array(200_000)
  private count = 0
  add(ms: number): void {
    this.sample[this.count++ % this.sample.length] = ms
  }
  at(share: number): number | null {
    const known = this.sample.subarray(0, Math.min(this.count, this.sample.length)).slice().sort()
    return known.length === 0 ? null : Math.round(known[Math.floor(known.length * share)]! * 100) / 100
  }
}

/** Counts deliveries, acknowledges them, and times them at QoS 0. */
class Subscriber {
  delivered = 0
  lastAt = 0
  private rest: Buffer = Buffer.alloc(0)
  private readonly socket: Socket
  private readonly publishers: readonly Publisher[]
  private readonly latencies: Latencies | null

  constructor(socket: Socket, publishers: readonly Publisher[], latencies: Latencies | null) {
    this.socket = socket
    this.publishers = publishers
    this.latencies = latencies
    socket.on('data', chunk => this.read(chunk as Buffer))
  }

  private read(chunk: Buffer): void {
    const bytes = this.rest.length > 0 ? Buffer.concat([this.rest, chunk]) : chunk
    const now = (this.lastAt = performance.now())
    const acks: number[] = []
    let at = 0
    while (at + 5 < bytes.length) {
      let start = at + 1
      let length = 0
      for (let shift = 0; ; shift += 7) {
        const digit = bytes[start++]!
        length |= (digit & 127) << shift
        if (digit < 128) break
      }
      if (start + length > bytes.length) break
      const first = bytes[at]!
      if (first >> 4 === 3) {
        this.delivered++
        const topicLength = bytes.readUInt16BE(start)
        const idAt = start + 2 + topicLength
        if ((first & 6) > 0) acks.push(0x40, 2, bytes[idAt]!, bytes[idAt + 1]!)
        // Every 64th is timed: whose it is and which stand in its topic and timestamp.
        else if (this.latencies !== null && this.delivered % 64 === 0) this.time(bytes, start, topicLength, now)
      }
      at = start + length
    }
    this.rest = Buffer.from(bytes.subarray(at))
    if (acks.length > 0) this.socket.write(Buffer.from(acks))
  }

  private time(bytes: Buffer, start: number, topicLength: number, now: number): void {
    const number = Number.parseInt(bytes.toString('latin1', start + 2 + 'iot/node/n'.length, start + 2 + topicLength), 10)
    const text = bytes.toString('latin1', start + 2 + topicLength, start + 2 + topicLength + 80)
    const n = Math.round(Number(/"timestamp":([\d.]+)/.exec(text)![1]) * 1_000) - firstMs
    this.latencies!.add(now - this.publishers[number]!.sentTime(n))
  }
}

const string = (text: string): Buffer => Buffer.concat([Buffer.from([0, text.length]), Buffer.from(text)])

/** A socket behind its CONNACK. */
async function mqttSocket(port: number, id: string, user: boolean): Promise<Socket> {
  const body = Buffer.concat([
    string('MQTT'),
    Buffer.from([4, user ? 0xc2 : 2, 0, 0]),
    string(id),
    ...(user ? [string('_bench'), string('x')] : []),
  ])
  for (let attempt = 0; ; attempt++) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const answered = await new Promise<boolean>(resolve => {
      socket.once('data', () => resolve(true))
      socket.once('error', () => resolve(false))
      socket.write(Buffer.concat([Buffer.from([0x10, body.length]), body]))
    })
    if (answered) return socket
    if (attempt === 20) throw new Error(`no CONNACK for ${id}`)
    await after(50)
  }
}

/** Messages of about 170 bytes. */
const onTheWayAtQos0 = 4_000

/** Beginning with another one each time, so that none goes hungry. */
const turned = <T>(all: readonly T[], turn: number): readonly T[] => [
  ...all.slice(turn % all.length),
  ...all.slice(0, turn % all.length),
]

const after = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms))

export async function run(json: string): Promise<void> {
  const load = JSON.parse(json) as Load
  const latencies = new Latencies()
  const publishers: Publisher[] = []
  for (let at = 0; at < load.publishers; ) {
    const next = Math.min(load.publishers, at + 200)
    const sockets = await Promise.all(Array.from({ length: next - at }, (_, i) => mqttSocket(load.port, `p${at + i}`, false)))
    for (const socket of sockets) publishers.push(new Publisher(socket, at++, load, latencies))
  }
  let subscriber: Subscriber | null = null
  if (load.subscriber) {
    const socket = await mqttSocket(load.port, 'subscriber', true)
    const body = Buffer.concat([Buffer.from([0, 1]), string('iot/#'), Buffer.from([load.qos])])
    socket.write(Buffer.concat([Buffer.from([0x82, body.length]), body]))
    await new Promise(resolve => socket.once('data', resolve))
    subscriber = new Subscriber(socket, publishers, load.qos === 0 ? latencies : null)
  }
  process.send?.('begin')

  const begun = performance.now()
  const until = begun + load.seconds * 1_000
  let total = 0
  let turn = 0
  while (performance.now() < until) {
    const now = performance.now()
    // QoS 0 asks nobody to keep up. What the subscriber has not got yet is bounded here, below what any broker throws away for.
    let room = onTheWayAtQos0 + (subscriber?.delivered ?? 0) - total
    for (const publisher of turned(publishers, ++turn)) {
      const sent = publisher.fill(now, room)
      room -= sent
      total += sent
    }
    await new Promise(setImmediate)
  }
  const sum = (of: (publisher: Publisher) => number): number => publishers.reduce((total, publisher) => total + of(publisher), 0)
  const sent = sum(({ sent }) => sent)
  let seen = -1
  let quietSince = performance.now()
  let ended = performance.now()
  // Until everything has come, or nothing has for two seconds.
  for (;;) {
    const acknowledged = load.qos > 0 ? sum(({ acknowledged }) => acknowledged) : sent
    const all = acknowledged + (subscriber?.delivered ?? 0)
    if (all !== seen) ended = quietSince = performance.now()
    seen = all
    if ((acknowledged === sent && (subscriber?.delivered ?? sent) >= sent) || performance.now() - quietSince > 2_000) break
    await after(1)
  }
  const result: LoadResult = {
    sent,
    acknowledged: load.qos > 0 ? sum(({ acknowledged }) => acknowledged) : 0,
    delivered: subscriber?.delivered ?? 0,
    seconds: (ended - begun) / 1_000,
    p50: latencies.at(0.5),
    p99: latencies.at(0.99),
  }
  process.send?.(result)
  await new Promise(resolve => process.once('message', resolve))
  process.exit(0)
}
