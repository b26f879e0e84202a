import { computed, signal } from '@preact/signals'
import { nodes, order } from './house.ts'

/** Which node the chart and the command box are about: what was chosen, else the first without trouble. It stands in the address. */
const chosen = signal(fromAddress())

export const selected = computed<string | null>(() => {
  for (const id of [chosen.value, fallback]) if (id !== null && nodes.value.has(id)) return id
  const ids = order.value
  fallback = ids.find(id => nodes.value.get(id)!.peek().state === 'online') ?? ids[0] ?? null
  return fallback
})

/** Taken once: the chart must not jump to another node because this one fell silent. */
let fallback: string | null = null

export function select(id: string): void {
  chosen.value = id
  history.replaceState(null, '', `#/node/${id}`)
}

function fromAddress(): string | null {
  return /^#\/node\/([A-Za-z0-9_-]+)$/.exec(location.hash)?.[1] ?? null
}

addEventListener('hashchange', () => (chosen.value = fromAddress() ?? chosen.value))

/** What the search field narrows the cards to. */
export const search = signal('')
