import { signal } from '@preact/signals'
import type { MessageView } from '../../../src/api/messages.ts'
import { client } from './connection.ts'
import { watchMessages } from './stream.ts'

/** What the boards just said, newest first. `behind`: how many came while the list was held still. */
export const messages = signal<readonly MessageView[]>([])
export const held = signal(false)
export const behind = signal(0)

const kept = 400
const keptOfNode = 20
const waiting: MessageView[] = []
let scheduled = false

/** Whose messages the open page shows; null: all. */
let only: string | null = null

/** Messages of one node, or of all, are kept current until the returned function is called. */
export function openFeed(node: string | null): () => void {
  only = node
  waiting.length = 0
  if (node !== null) messages.value = messages.peek().filter(one => one.node === node)
  return watchMessages()
}

/** Loads what came before. */
export async function loadMessages(): Promise<void> {
  const node = only
  const before = await client.messages(node === null ? { limit: kept } : { node, limit: keptOfNode })
  if (only === node) merge(before)
}

export function takeMessage(message: MessageView): void {
  if (only !== null && message.node !== only) return
  waiting.push(message)
  if (waiting.length > kept) waiting.splice(0, waiting.length - kept)
  if (held.peek()) behind.value++
  // Nobody reads faster than this.
  else if (!scheduled) {
    scheduled = true
    setTimeout(show, 250)
  }
}

export function hold(still: boolean): void {
  held.value = still
  if (!still) show()
}

function show(): void {
  scheduled = false
  if (held.peek()) return
  behind.value = 0
  if (waiting.length > 0) merge(waiting.splice(0).reverse())
}

/** What repeats comes again under its id, with a higher count. */
function merge(newer: readonly MessageView[]): void {
  const seen = new Set<string>()
  const all = [...newer, ...messages.peek()].filter(one => !seen.has(one.id) && seen.add(one.id))
  messages.value = all.sort((a, b) => b.time - a.time).slice(0, kept)
}
