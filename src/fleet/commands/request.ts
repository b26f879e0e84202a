import { Value } from 'typebox/value'
import { CommandRequest, type CommandView } from '../../api/commands.ts'
import { encodeCommand } from '../../contract/encode.ts'
import { limits } from '../../contract/limits.ts'
import { keyMaxLength } from './keys.ts'

/** What is wrong with what was asked, in words; null: nothing. */
export function faultOf(asked: unknown, key: string | undefined): string | null {
  if (!Value.Check(CommandRequest, asked))
    return 'a command has a name (1 to 64 characters), params (an object), expires (1 to 604800 s)'
  const keyFits = key === undefined || (key.length > 0 && key.length <= keyMaxLength)
  return keyFits ? null : `an Idempotency-Key has 1 to ${keyMaxLength} characters`
}

/** Why this one can't be taken beside those that `wait` for the node; null: it can. */
export function tooMuch(
  command: CommandView,
  wait: number,
): { readonly why: 'queue_full' | 'too_large'; readonly detail: string } | null {
  if (wait >= limits.commandsQueued) {
    const detail = `${wait} commands wait for ${command.node}, allowed ${limits.commandsQueued}; cancel some or wait`
    return { why: 'queue_full', detail }
  }
  const bytes = payloadOf(command).length
  if (bytes <= limits.commandBytes) return null
  const detail = `the command is ${bytes} bytes as published, allowed ${limits.commandBytes}; send less in params`
  return { why: 'too_large', detail }
}

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
