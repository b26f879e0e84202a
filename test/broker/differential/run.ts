import { connectPacket, openSocket, RawClient } from '../client.ts'
import { clients, type Send, type Step } from './script.ts'

/** What a client saw on one connection. */
export interface Seen {
  readonly sessionPresent: boolean
  /** SUBACK codes, in order. */
  readonly granted: number[][]
  readonly messages: SeenMessage[]
}

export interface SeenMessage {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
}

/** By client, by connection. */
export type Observation = Seen[][]

/** Does the steps of a plan, one after the other, on the broker at `port`, under topics that begin with `prefix` and with client ids
 *  that begin with `name`. Nothing sleeps: a step is over when its answers are there, when a watcher saw the will it caused, when a
 *  message behind it was acknowledged and every client's PINGREQ was answered behind what it got. */
export async function run(
  steps: readonly Step[],
  port: number,
  prefix: string,
  name: string,
  limitMs = 10_000,
): Promise<Observation> {
  const running = new Running(port, prefix, name)
  let at = -1
  // Its sockets end, so whatever was awaited fails.
  const limit = setTimeout(() => running.abandon(), limitMs)
  try {
    await running.begin()
    for (const [number, step] of steps.entries()) {
      at = number
      await running.step(step, number)
    }
    return running.observation
  } catch (failure) {
    throw new Error(`step ${at} (${steps[at]?.do}): ${(failure as Error).message}`)
  } finally {
    clearTimeout(limit)
    running.abandon()
  }
}

interface Connected {
  readonly client: RawClient
  readonly hold: boolean
  readonly will: string | null
  readonly seen: Seen
  /** Packet ids of what a holding client was sent and has not acknowledged, oldest first. */
  readonly open: Map<number, 'sent at 1' | 'sent at 2' | 'released'>
}

class Running {
  readonly observation: Seen[][] = Array.from({ length: clients }, () => [])
  private readonly connected = new Map<number, Connected>()
  private readonly sockets: RawClient[] = []
  private watcher!: RawClient
  private readonly port: number
  private readonly prefix: string
  private readonly name: string

  constructor(port: number, prefix: string, name: string) {
    this.port = port
    this.prefix = prefix
    this.name = name
  }

  async begin(): Promise<void> {
    const { client } = await this.dial('w', true, null, true)
    this.watcher = client
    await client.subscribe({ [`${this.prefix}/#`]: 0 })
  }

  async step(step: Step, number: number): Promise<void> {
    await this.does(step, number)
    await this.settle()
  }

  abandon(): void {
    for (const client of this.sockets) client.socket.destroy()
  }

  private async dial(
    id: string,
    clean: boolean,
    will: { topic: string; payload: string; qos: 0 | 1 | 2; retain: boolean } | null,
    auto: boolean,
  ) {
    const client = new RawClient(await openSocket(this.port), auto)
    this.sockets.push(client)
    client.send(connectPacket({ clientId: this.name + id, clean, ...(will === null ? {} : { will }) }))
    const { sessionPresent } = await client.expect('connack')
    return { client, sessionPresent }
  }

  private async does(step: Step, number: number): Promise<void> {
    switch (step.do) {
      case 'connect':
        return this.connect(step, number)
      case 'disconnect': {
        const was = this.take(step.client)
        was.client.send({ cmd: 'disconnect' })
        return was.client.closed
      }
      case 'drop': {
        const was = this.take(step.client)
        was.client.socket.end()
        await was.client.closed
        return this.sawWill(was)
      }
      case 'subscribe': {
        const { client, seen } = this.connected.get(step.client)!
        const messageId = client.nextId()
        client.send({
          cmd: 'subscribe',
          messageId,
          subscriptions: step.filters.map(([filter, qos]) => ({ topic: this.prefix + filter, qos })),
        })
        seen.granted.push((await client.expect('suback', messageId)).granted as number[])
        return
      }
      case 'unsubscribe':
        return this.connected.get(step.client)!.client.unsubscribe(...step.filters.map(filter => this.prefix + filter))
      case 'publish':
        return this.publish(step, payloadOf(step, number, 0))
      case 'repeat':
        return this.repeat(step, payloadOf(step, number, 0))
      case 'burst':
        await Promise.all(step.sends.map((send, i) => this.publish(send, payloadOf(send, number, i))))
        return
      case 'acknowledge':
        return this.acknowledge(this.connected.get(step.client)!, step.count, step.whole)
      case 'drain': {
        const holder = this.connected.get(step.client)!
        for (; holder.open.size > 0; await this.settle()) await this.acknowledge(holder, holder.open.size, true)
      }
    }
  }

  private async connect(step: Step & { do: 'connect' }, number: number): Promise<void> {
    const before = this.connected.get(step.client)
    const will = step.will === null ? null : { ...step.will, topic: this.prefix + step.will.topic, payload: `will of ${number}` }
    const { client, sessionPresent } = await this.dial(`c${step.client}`, step.clean, will, !step.hold)
    const seen: Seen = { sessionPresent: sessionPresent ?? false, granted: [], messages: [] }
    const open: Connected['open'] = new Map()
    this.observation[step.client]!.push(seen)
    this.connected.set(step.client, { client, hold: step.hold, will: will?.payload ?? null, seen, open })
    if (before === undefined) return
    await before.client.closed
    await this.sawWill(before)
  }

  private async sawWill({ will }: Connected): Promise<void> {
    if (will !== null) await this.watcher.until(() => this.watcher.messages.some(({ payload }) => payload.toString() === will))
  }

  private take(client: number): Connected {
    const was = this.connected.get(client)!
    this.connected.delete(client)
    return was
  }

  private async publish({ client, topic, qos, retain }: Send, payload: string): Promise<void> {
    await this.connected.get(client)!.client.publish(this.prefix + topic, payload, qos, retain)
  }

  private async repeat({ client: number, topic, retain }: Send, payload: string): Promise<void> {
    const { client } = this.connected.get(number)!
    const messageId = client.nextId()
    const packet = { cmd: 'publish', topic: this.prefix + topic, payload, qos: 2, retain, messageId } as const
    client.send({ ...packet, dup: false })
    client.send({ ...packet, dup: true })
    await client.expect('pubrec', messageId)
    await client.expect('pubrec', messageId)
    if (!client.auto) client.send({ cmd: 'pubrel', messageId })
    await client.expect('pubcomp', messageId)
  }

  private async acknowledge(holder: Connected, count: number, whole: boolean): Promise<void> {
    const { client, open } = holder
    for (const [messageId, state] of [...open].slice(0, count)) {
      if (state === 'sent at 1') client.send({ cmd: 'puback', messageId })
      if (state === 'sent at 2') {
        client.send({ cmd: 'pubrec', messageId })
        await client.expect('pubrel', messageId)
        open.set(messageId, 'released')
      }
      if (state !== 'sent at 1' && !whole) continue
      if (state !== 'sent at 1') client.send({ cmd: 'pubcomp', messageId })
      open.delete(messageId)
    }
  }

  /** Everything that this step causes has come. */
  private async settle(): Promise<void> {
    // QoS 0 has no answer: an acknowledged message behind it says that it was routed.
    await Promise.all([...this.connected.values()].map(({ client }) => client.publish(`iot/marker/${this.name}`, '', 1)))
    await Promise.all([...this.connected.values()].map(connected => this.settleClient(connected)))
  }

  private async settleClient(connected: Connected): Promise<void> {
    const { client, seen, hold, open } = connected
    await client.ping()
    // What it acknowledged by itself may have let more come.
    for (let known = seen.messages.length; !hold && known !== client.messages.length; ) {
      known = client.messages.length
      await client.until(() => releasedAll(client))
      await client.ping()
    }
    for (const packet of client.messages.slice(seen.messages.length)) {
      const { topic, payload, qos, retain, dup } = packet
      seen.messages.push({ topic: topic.slice(this.prefix.length), payload: payload.toString(), qos, retain, dup })
      if (hold && qos > 0) open.set(packet.messageId!, qos === 1 ? 'sent at 1' : 'sent at 2')
    }
    if (!hold) return
    // A PUBREL of an earlier connection is sent again, and is none of this one's deliveries.
    for (const packet of client.packets) {
      if (packet.cmd === 'pubrel' && !open.has(packet.messageId!)) client.send({ cmd: 'pubcomp', messageId: packet.messageId! })
    }
  }
}

/** Has every QoS 2 message that this client was sent been released? */
function releasedAll(client: RawClient): boolean {
  const released = new Map<number, number>()
  for (const packet of client.packets) {
    if (packet.cmd === 'pubrel') released.set(packet.messageId!, (released.get(packet.messageId!) ?? 0) + 1)
    if (packet.cmd === 'publish' && packet.qos === 2) released.set(packet.messageId!, (released.get(packet.messageId!) ?? 0) - 1)
  }
  return [...released.values()].every(count => count >= 0)
}

/** Says who sent it, at which QoS, and which one it is; empty when it shall be. */
const payloadOf = (send: Send, step: number, index: number): string =>
  send.empty ? '' : `${send.client} at ${send.qos}: ${step}.${index}`
