import { signal } from '@preact/signals'
import type { NodeView } from '../../../src/api/nodes.ts'

/** What the search field narrows the cards to. */
export const search = signal('')

export function matches(view: Pick<NodeView, 'id' | 'name' | 'tags' | 'state'>, wanted: string): boolean {
  const { id, name, tags, state } = view
  return wanted === '' || [id, name ?? '', state, ...tags].some(text => text.toLowerCase().includes(wanted))
}
