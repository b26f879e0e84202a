import type { CommandRequest, CommandView } from '../../api/commands.ts'
import { encodeCommand } from '../../contract/encode.ts'
import { limits } from '../../contract/limits.ts'

/** A command at its beginning, and its bytes on the wire. Times are Unix ms. */
export const newCommand = (id: string, node: string, asked: CommandRequest, by: string, now: number): CommandView => ({
  id,
  node,
  command: asked.command,
  // Once through JSON: a resend from the records must have the bytes of the first send.
  params: JSON.parse(JSON.stringify(asked.params ?? {})),
  state: 'queued',
  queued_at: now,
  sent_at: null,
  final_at: null,
  expires: now + Math.round((asked.expires ?? limits.commandExpiresDefaultS) * 1000),
  progress: null,
  result: null,
  error: null,
  matched: null,
  attempts: 0,
  history: [{ state: 'queued', time: now, evidence: 'user' }],
  by,
})

/** The same bytes for each attempt. */
export const payloadOf = ({ id, command, params, expires }: CommandView): Uint8Array =>
  encodeCommand({ id, command, params, expires: expires / 1000 })

const base32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The time inside a ULID; 0 for none. */
export const ulidMs = (id: string | undefined): number =>
  id === undefined ? 0 : [...id.slice(0, 10)].reduce((ms, digit) => ms * 32 + base32.indexOf(digit), 0)
