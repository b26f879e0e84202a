import { isObject, parseObject } from './decode-json.ts'
import { firstFault, withoutNulls } from './fault.ts'
import { limits } from './limits.ts'
import { Command, type Receipt, Receipts } from './schemas.ts'

/** The reference of what a node reads (wire contract §3, §5): virtual nodes and the firmware's host tests run the same vectors.
 *  What is not a command or a receipt is ignored: null. Any bytes, never a throw. */
export interface DecodedCommand {
  /** null: execute it unless it is a repeat of MQTT's (DUP) or retained. */
  readonly id: string | null
  readonly command: string
  /** Absent params are {}. What they may be, `judgeCommand` says. */
  readonly params: unknown
  /** Unix seconds, or null. */
  readonly expires: number | null
}

/** Only the frame is checked here: a node can answer a command with bad params, but not one without a name. */
export function decodeCommand(payload: Uint8Array): DecodedCommand | null {
  const parsed = parseObject(payload, limits.commandBytes)
  if (!parsed.ok) return null
  const { params, ...frame } = parsed.object
  const value = withoutNulls(Command, frame)
  if (firstFault(Command, value) !== null) return null
  const { id, command, expires } = value as Command
  return { id: id ?? null, command, params: params ?? {}, expires: expires ?? null }
}

/** All entries or, when one of them is not one, none. */
export function decodeReceipts(payload: Uint8Array): readonly Receipt[] | null {
  const parsed = parseObject(payload, limits.receiptBytes)
  if (!parsed.ok) return null
  const value = stripEntries(parsed.object)
  if (firstFault(Receipts, value) !== null) return null
  const { receipts } = value as Receipts
  return receipts.every(({ seq, seen }) => seq === null || seq <= seen) ? receipts : null
}

/** Unknown keys of an entry are for later versions; only the four are handed on. */
function stripEntries(object: Readonly<Record<string, unknown>>): unknown {
  const { receipts } = object
  if (!Array.isArray(receipts)) return object
  return { receipts: receipts.map(entry => (isObject(entry) ? pick(entry) : entry)) }
}

function pick(entry: Readonly<Record<string, unknown>>): unknown {
  const known: Record<string, unknown> = {}
  for (const key of ['boot', 'seq', 'seen', 'rejected']) if (Object.hasOwn(entry, key)) known[key] = entry[key]
  return known
}
