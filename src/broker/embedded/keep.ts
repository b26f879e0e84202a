import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { ClassicLevel } from 'classic-level'
import type { Identity } from '../broker.ts'
import type { Qos } from './message.ts'

/** What survives a restart: persistent sessions (subscriptions, what waits for them or is unacknowledged, open QoS 2 ids) and
 *  retained messages, in a `level` database. Group by group: `write` answers when its operations are on the disk, all or none.
 *  A failed write is tried again until it succeeds; damaged files are moved aside, never a reason not to start.
 *
 *  Keys (n, order and id in hexadecimal of fixed width, so that they sort):
 *  `s/n` a session · `q/n/order` one message for it · `i/n/id` an open incoming QoS 2 id · `r/topic` a retained message.
 *  Values carry a CRC-32 of key and value in front: level checks its own blocks, but not on every read. */
export interface Keep {
  /** Makes the operations durable, in order. Calls are served one after the other. `sync` false: soon, not now. */
  write(ops: readonly KeepOp[], sync: boolean): Promise<void>
  /** Everything as it is on the disk at this moment, to be copied while writing goes on; null: nothing is kept. To be closed. */
  snapshot(): KeepSnapshot | null
  close(): Promise<void>
  /** false while a write fails and is tried again. */
  readonly ok: boolean
}

export interface KeepSnapshot {
  readonly pairs: AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  close(): Promise<void>
}

export type KeepOp =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

export interface KeptSession {
  readonly number: number
  readonly key: string
  readonly client: string
  readonly identity: Identity
  readonly subscriptions: readonly (readonly [string, Qos])[]
  /** Orders up to this one were handed to a socket. null: a connection held the session when this was written. */
  readonly sentUpTo: number | null
}

export interface KeptMessage {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
}

export interface KeptDelivery {
  readonly id: number
  readonly order: number
  readonly qos: Qos
  readonly retain: boolean
  /** null: released (QoS 2, PUBREC came). */
  readonly message: KeptMessage | null
}

export interface Kept {
  readonly sessions: { session: KeptSession; deliveries: KeptDelivery[]; openIncoming: number[] }[]
  readonly retained: KeptMessage[]
}

const hex = (n: number, width: number): string => n.toString(16).padStart(width, '0')
const deliveryKey = (session: number, order: number): string => `q/${hex(session, 8)}/${hex(order, 12)}`

const sessionKey = (number: number): string => `s/${hex(number, 8)}`
const incomingKey = (session: number, id: number): string => `i/${hex(session, 8)}/${hex(id, 4)}`
const retainedKey = (topic: string): string => `r/${topic}`
const put = (key: string, bytes: Uint8Array): KeepOp => ({ type: 'put', key, value: sealed(key, bytes) })
const del = (key: string): KeepOp => ({ type: 'del', key })

/** The operations a group is made of. */
export const keepOps = {
  session: (session: KeptSession): KeepOp => put(sessionKey(session.number), Buffer.from(JSON.stringify(session))),
  noSession: (number: number): KeepOp => del(sessionKey(number)),
  delivery: (session: number, delivery: KeptDelivery): KeepOp =>
    put(deliveryKey(session, delivery.order), encodeDelivery(delivery)),
  noDelivery: (session: number, order: number): KeepOp => del(deliveryKey(session, order)),
  incoming: (session: number, id: number): KeepOp => put(incomingKey(session, id), empty),
  noIncoming: (session: number, id: number): KeepOp => del(incomingKey(session, id)),
  retained: (message: KeptMessage): KeepOp => put(retainedKey(message.topic), encodeMessage(message)),
  noRetained: (topic: string): KeepOp => del(retainedKey(topic)),
}

/** For a broker without a folder: what is written is as good as kept, and gone with the process. */
export const forgetfulKeep: Keep = { write: async () => {}, snapshot: () => null, close: async () => {}, ok: true }

/** Opens the keep and reads what it holds. Rejects when another process holds it (code LEVEL_LOCKED in the cause), and when the
 *  system won't let it be opened (no room, no permission): what is there is not damaged then and stays where it is.
 *  `alarm` gets one sentence for damage that was moved aside, and for writes that fail. */
export async function openKeep(
  dir: string,
  now: () => number,
  alarm: (sentence: string) => void,
): Promise<{ keep: Keep; kept: Kept }> {
  let level = await openLevel(dir).catch(failure => {
    if (isDamage(failure)) return null
    if (isLocked(failure)) throw failure
    throw new Error(`broker: can't open its sessions in ${dir}: ${sentence(failure)}`, { cause: failure })
  })
  let kept = level === null ? null : await readAll(level).catch(() => null)
  if (kept === null) {
    await level?.close().catch(() => {})
    const aside = `${dir}.damaged-${now()}`
    await rename(dir, aside)
    alarm(`broker sessions and retained messages were damaged: moved to ${aside}, started empty`)
    level = await openLevel(dir)
    kept = { sessions: [], retained: [] }
  }
  const lost = await droppedByLevel(dir)
  if (lost !== null) alarm(`broker sessions and retained messages were damaged in part, the rest is kept (${lost})`)
  return { keep: new LevelKeep(dir, level!, alarm), kept }
}

/** Level leaves out what it can't read of its write-ahead log, and says so only in its own LOG. null: nothing. */
async function droppedByLevel(dir: string): Promise<string | null> {
  const log = await readFile(join(dir, 'LOG'), 'utf8').catch(() => '')
  return /\(ignoring error\).*?: (dropping .*)/.exec(log)?.[1] ?? null
}

const retryMs = 1_000

class LevelKeep implements Keep {
  ok = true
  private readonly dir: string
  private level: ClassicLevel<string, Uint8Array>
  private readonly alarm: (sentence: string) => void
  private last: Promise<unknown> = Promise.resolve()
  private closing = false
  private wakeRetry: (() => void) | null = null

  constructor(dir: string, level: ClassicLevel<string, Uint8Array>, alarm: (sentence: string) => void) {
    this.dir = dir
    this.level = level
    this.alarm = alarm
  }

  async write(ops: readonly KeepOp[], sync: boolean): Promise<void> {
    const written = this.last.then(() => this.writeUntilDone(ops, sync))
    this.last = written
    // Given up at close: never answered, because whoever waits for it must not acknowledge.
    if (!(await written)) await new Promise(() => {})
  }

  snapshot(): KeepSnapshot {
    const { level } = this
    const snapshot = level.snapshot()
    const pairs = async function* () {
      yield* level.iterator<Buffer, Buffer>({ snapshot, keyEncoding: 'buffer', valueEncoding: 'buffer' })
    }
    return { pairs: pairs(), close: () => snapshot.close() }
  }

  async close(): Promise<void> {
    this.closing = true
    this.wakeRetry?.()
    await this.last
    await this.level.close().catch(() => {})
  }

  /** false: the keep was closed before it could be written. */
  private async writeUntilDone(ops: readonly KeepOp[], sync: boolean): Promise<boolean> {
    for (;;) {
      try {
        await this.level.batch(ops as KeepOp[], { sync })
        if (!this.ok) this.alarm('broker sessions are written again')
        this.ok = true
        return true
      } catch (failure) {
        if (this.ok)
          this.alarm(`broker sessions can't be written (${sentence(failure)}): nothing that needs them is acknowledged`)
        this.ok = false
        if (this.closing) return false
        await this.pause()
        await this.reopen()
      }
    }
  }

  /** After a failed write level refuses all others until it is opened anew. */
  private async reopen(): Promise<void> {
    await this.level.close().catch(() => {})
    this.level = await openLevel(this.dir).catch(() => this.level)
  }

  private pause(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(resolve, retryMs)
      this.wakeRetry = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

async function openLevel(dir: string): Promise<ClassicLevel<string, Uint8Array>> {
  const level = new ClassicLevel<string, Uint8Array>(dir, { keyEncoding: 'utf8', valueEncoding: 'view' })
  await level.open()
  return level
}

async function readAll(level: ClassicLevel<string, Uint8Array>): Promise<Kept> {
  const sessions = new Map<string, Kept['sessions'][number]>()
  const retained: KeptMessage[] = []
  for await (const [key, value] of level.iterator({ gte: 's/', lt: 's0' })) {
    sessions.set(key.slice(2), {
      session: JSON.parse(Buffer.from(unsealed(key, value)).toString()),
      deliveries: [],
      openIncoming: [],
    })
  }
  for await (const [key, value] of level.iterator({ gte: 'q/', lt: 'q0' })) {
    const [, number, order] = key.split('/')
    sessions.get(number!)?.deliveries.push(decodeDelivery(unsealed(key, value), Number.parseInt(order!, 16)))
  }
  for await (const [key, value] of level.iterator({ gte: 'i/', lt: 'i0' })) {
    unsealed(key, value)
    const [, number, id] = key.split('/')
    sessions.get(number!)?.openIncoming.push(Number.parseInt(id!, 16))
  }
  for await (const [key, value] of level.iterator({ gte: 'r/', lt: 'r0' })) retained.push(decodeMessage(unsealed(key, value)))
  return { sessions: [...sessions.values()], retained }
}

const empty = new Uint8Array(0)

function encodeMessage(message: KeptMessage): Buffer {
  const topic = Buffer.from(message.topic)
  const out = Buffer.allocUnsafe(3 + topic.length + message.payload.length)
  out[0] = message.qos
  out.writeUInt16BE(topic.length, 1)
  out.set(topic, 3)
  out.set(message.payload, 3 + topic.length)
  return out
}

function decodeMessage(bytes: Buffer): KeptMessage {
  const end = 3 + bytes.readUInt16BE(1)
  return { qos: bytes[0] as Qos, topic: bytes.toString('utf8', 3, end), payload: Buffer.from(bytes.subarray(end)) }
}

function encodeDelivery(delivery: KeptDelivery): Buffer {
  const head = Buffer.from([delivery.qos, delivery.retain ? 1 : 0, delivery.id >>> 8, delivery.id & 0xff])
  return delivery.message === null ? head : Buffer.concat([head, encodeMessage(delivery.message)])
}

function decodeDelivery(bytes: Buffer, order: number): KeptDelivery {
  const message = bytes.length > 4 ? decodeMessage(bytes.subarray(4)) : null
  return { qos: bytes[0] as Qos, retain: bytes[1] === 1, id: bytes.readUInt16BE(2), order, message }
}

function sealed(key: string, bytes: Uint8Array): Buffer {
  const out = Buffer.allocUnsafe(4 + bytes.length)
  out.writeUInt32BE(crc32(bytes, crc32(key)))
  out.set(bytes, 4)
  return out
}

function unsealed(key: string, value: Uint8Array): Buffer {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (bytes.length < 4 || bytes.readUInt32BE(0) !== crc32(bytes.subarray(4), crc32(key))) throw new Error(`${key} is damaged`)
  return bytes.subarray(4)
}

const codeOf = (failure: unknown): string | undefined => (failure as { cause?: { code?: string } })?.cause?.code
const isLocked = (failure: unknown): boolean => codeOf(failure) === 'LEVEL_LOCKED'
/** Of the system's errors those that a file cut short, or gone, makes. */
const isDamage = (failure: unknown): boolean =>
  codeOf(failure) === 'LEVEL_CORRUPTION' ||
  (codeOf(failure) === 'LEVEL_IO_ERROR' && /Invalid argument|No such file/.test(sentence(failure)))
const sentence = (failure: unknown): string => {
  const cause = (failure as { cause?: unknown })?.cause
  return String((cause instanceof Error ? cause : (failure as Error))?.message ?? failure)
}
