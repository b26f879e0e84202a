import { crc32 } from 'node:zlib'
import { type DecodedCommand, decodeCommand } from '../contract/decode-for-node.ts'
import type { Board, Outcome, Params } from './board.ts'
import { type AckBody, afterBoot, type FinalState, type Remembered, withRoom } from './command-memory.ts'
import { rawMembers } from './raw-json.ts'

/** Takes commands as they arrive and answers with acks. It remembers an id before it executes it, so that whatever happens a
 *  command runs at most once (wire contract §5). What survives a reboot goes through `save`, which is durable when it returns. */
export interface CommandDesk {
  receive(payload: Uint8Array, flags: { retain: boolean; dup: boolean }, now: Now): Reply
  /** Finishes what is over by now. */
  tick(now: Now): AckBody[]
  /** Earliest end of something that runs; null = nothing does. */
  nextEndMs(): number | null
  /** This ack had its PUBACK. */
  delivered(ack: AckBody): void
  /** Final acks without a PUBACK: they go out again on each connection. */
  undelivered(): AckBody[]
  /** What ran was cut off; a reboot is done. */
  rebooted(): void
  readonly remembered: readonly Remembered[]
  /** Retained, malformed, or repeated without an id: not executed, not answered. */
  readonly ignored: number
}

export interface Now {
  readonly monoMs: number
  /** Unix ms. */
  readonly wallMs: number
}

export interface Reply {
  readonly acks: readonly AckBody[]
  readonly also?: Outcome['also']
}

export interface DeskPorts {
  readonly board: Board
  readonly remembered: readonly Remembered[]
  save(commands: readonly Remembered[]): void
  /** Called at the effect itself, with an id or null. */
  witness(id: string | null, command: string, params: Params, now: Now): void
}

interface Parsed extends DecodedCommand {
  /** CRC32 of command and params as received. */
  readonly crc: number
}

interface Running {
  readonly endMs: number
  readonly ack: AckBody
}

export function openDesk(ports: DeskPorts): CommandDesk {
  let remembered = afterBoot(ports.remembered)
  let running: Running[] = []
  let ignored = 0
  if (remembered.some((c, i) => c !== ports.remembered[i])) ports.save(remembered)

  const keep = (next: readonly Remembered[]): void => {
    remembered = next
    ports.save(next)
  }
  const finish = (ack: AckBody): AckBody => {
    if (ack.id !== null) keep(remembered.map(c => (c.id === ack.id ? { ...c, final: ack } : c)))
    return ack
  }
  const answer = (c: Parsed, state: FinalState, code: string, message: string): AckBody => ({
    id: c.id,
    command: c.command,
    state,
    error: { code, message },
  })

  /** A final answer without execution, remembered like any other. */
  const turnDown = (c: Parsed, state: FinalState, code: string, message: string): Reply => {
    const ack = answer(c, state, code, message)
    if (c.id !== null) {
      const room = withRoom(remembered)
      if (room) keep([...room, { id: c.id, command: c.command, crc: c.crc, final: ack, delivered: false }])
    }
    return { acks: [ack] }
  }

  const repeat = (c: Parsed, known: Remembered): Reply => {
    if (known.crc !== c.crc)
      return {
        acks: [answer(c, 'rejected', 'id_reused', 'this id was used for another command or other params; send it with a new id')],
      }
    if (known.final) return { acks: [known.final] }
    return { acks: [{ id: c.id, command: c.command, state: known.command === 'reboot' ? 'accepted' : 'running' }] }
  }

  const execute = (c: Parsed, params: Params, now: Now): Reply => {
    if (c.id !== null) {
      const room = withRoom(remembered)
      if (!room) return { acks: [answer(c, 'rejected', 'busy', 'all 32 places for commands are taken by ones that still run')] }
      keep([...room, { id: c.id, command: c.command, crc: c.crc, final: null, delivered: false }])
    }
    ports.witness(c.id, c.command, params, now)
    const outcome = ports.board.run(c.command, params, now.monoMs)
    const done: AckBody = {
      id: c.id,
      command: c.command,
      state: 'done',
      ...(outcome.result !== undefined && { result: outcome.result }),
    }
    if (outcome.also === 'reboot') return { acks: [{ id: c.id, command: c.command, state: 'accepted' }], also: 'reboot' }
    if (outcome.untilMs !== undefined) {
      running.push({ endMs: outcome.untilMs, ack: done })
      return { acks: [{ id: c.id, command: c.command, state: 'running' }] }
    }
    return { acks: [finish(done)], also: outcome.also }
  }

  return {
    receive(payload, flags, now) {
      const c = parseCommand(payload)
      if (!c || flags.retain || (c.id === null && flags.dup)) {
        ignored++
        return { acks: [] }
      }
      const known = c.id === null ? undefined : remembered.find(r => r.id === c.id)
      if (known) return repeat(c, known)
      if (c.expires !== null && now.wallMs / 1_000 > c.expires)
        return turnDown(c, 'expired', 'expired', 'it arrived after its deadline and was not run')
      const refusal = ports.board.refuse(c.command, c.params as Params, now.monoMs)
      if (refusal) return turnDown(c, 'rejected', refusal.code, refusal.message)
      return execute(c, c.params as Params, now)
    },
    tick(now) {
      const over = running.filter(r => r.endMs <= now.monoMs)
      if (over.length === 0) return []
      running = running.filter(r => r.endMs > now.monoMs)
      return over.map(r => finish(r.ack))
    },
    nextEndMs: () => (running.length === 0 ? null : Math.min(...running.map(r => r.endMs))),
    delivered(ack) {
      // By identity: an `id_reused` answer bears the same id as the final ack that it must not stand for.
      if (remembered.some(c => c.final === ack && !c.delivered))
        keep(remembered.map(c => (c.final === ack ? { ...c, delivered: true } : c)))
    },
    undelivered: () => remembered.filter(c => c.final && !c.delivered).map(c => c.final!),
    rebooted() {
      running = []
      keep(afterBoot(remembered))
    },
    get remembered() {
      return remembered
    },
    get ignored() {
      return ignored
    },
  }
}

function parseCommand(payload: Uint8Array): Parsed | undefined {
  const command = decodeCommand(payload)
  if (!command) return undefined
  const raw = rawMembers(Buffer.from(payload).toString())
  return { ...command, crc: crc32(`${raw.get('command')}\n${raw.get('params') ?? ''}`) }
}
