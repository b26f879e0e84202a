import { signal } from '@preact/signals'
import { client, now } from './connection.ts'
import { lostSince } from './lost-since.ts'

/** Readings lost since midnight, by the ledger; null while it is not known. */
export const lostToday = signal<number | null>(null)

export async function askLedger(): Promise<void> {
  lostToday.value = lostSince(await client.ledger(), new Date(now.peek()).setHours(0, 0, 0, 0))
}
