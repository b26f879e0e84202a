import type { Qos } from './message.ts'

/** A last will as CONNECT gave it. */
export interface Will {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: Qos
  readonly retain: boolean
}

/** The parts of a status message that the broker looks at (wire contract §4); null when it is none. */
export function readStatus(payload: Uint8Array): { online: boolean; boot: number | null } | null {
  if (payload.length > statusBytesRead) return null
  try {
    const status = JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString()) as unknown
    if (typeof status !== 'object' || status === null) return null
    const { online, boot } = status as { online?: unknown; boot?: unknown }
    return typeof online === 'boolean' ? { online, boot: typeof boot === 'number' ? boot : null } : null
  } catch {
    return null
  }
}

/** A larger one is no status: ingest rejects it. */
const statusBytesRead = 4_096

/** A will that names a boot speaks for that boot alone: after a newer birth it says nothing about the node. */
export function isStaleWill(payload: Uint8Array, lastBirthBoot: number | null): boolean {
  if (lastBirthBoot === null) return false
  const boot = readStatus(payload)?.boot ?? null
  return boot !== null && boot !== lastBirthBoot
}
