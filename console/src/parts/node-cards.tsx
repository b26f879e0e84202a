import { useComputed } from '@preact/signals'
import { type Group, groupByTag } from '../state/grouping.ts'
import { nodes, order } from '../state/house.ts'
import { query } from '../state/route.ts'
import { matches, search } from '../state/search.ts'
import { NodeCard } from './node-card.tsx'

// Drawn whole at once; of the others it is asked first whether they are in sight.
const firstScreen = 24
const byId = new Intl.Collator('en', { numeric: true })

/** All nodes, trouble first, in one flow or under their tags. */
export function NodeCards() {
  const wanted = search.value.trim().toLowerCase()
  const all = query.value.get('sort') === 'name' ? [...order.value].sort(byName) : order.value
  const ids = all.filter(id => nodes.value.has(id) && matches(nodes.value.get(id)!.peek(), wanted))
  if (ids.length === 0)
    return <p class="dim">No node has “{search.value}” in its name, id, state or tags. Escape clears the search.</p>
  if (query.value.get('group') !== 'tag') return <Cards group={{ tag: null, ids }} from={0} />
  const groups = groupByTag(ids, id => nodes.value.get(id)!.peek().tags)
  let from = 0
  return (
    <>
      {groups.map(group => {
        const at = from
        from += group.ids.length
        return (
          <section key={group.tag ?? ''} class="group">
            <h2>
              {group.tag ?? 'without a tag'} <span class="dim">{group.ids.length}</span>
            </h2>
            <Cards group={group} from={at} />
          </section>
        )
      })}
    </>
  )
}

const nameOf = (id: string): string => nodes.value.get(id)?.peek().name ?? id
const byName = (a: string, b: string): number => byId.compare(nameOf(a), nameOf(b))

function Cards({ group, from }: { group: Group; from: number }) {
  const few = useComputed(() => nodes.value.size <= 4).value
  return (
    <div class={few ? 'cards few' : 'cards'}>
      {group.ids.map((id, place) => (
        <NodeCard key={id} id={id} node={nodes.value.get(id)!} early={from + place < firstScreen} />
      ))}
    </div>
  )
}

/** The size of what will stand here, so that nothing jumps. */
export function Skeletons() {
  return (
    <div class="skeletons" aria-hidden="true">
      <p class="summary" />
      <div class="cards">
        {[0, 1, 2].map(i => (
          <div key={i} class="panel card skeleton" />
        ))}
      </div>
    </div>
  )
}
