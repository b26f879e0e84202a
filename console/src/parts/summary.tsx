import { computed } from '@preact/signals'
import { counted } from '../format.ts'
import { now } from '../state/connection.ts'
import { orders } from '../state/grouping.ts'
import { countOf, nodes, rate, rejects } from '../state/house.ts'
import { lostToday } from '../state/lost.ts'
import { query, setQuery } from '../state/route.ts'

/** The house in a sentence of numbers, and how the cards below stand. */
export function Summary() {
  return (
    <div class="summary-line">
      <p class="summary">
        <Part>{counted(nodes.value.size, 'node')}</Part>
        <Troubled />
        <Part>{rate.value === null ? '–' : rate.value.toFixed(rate.value < 10 ? 1 : 0)} readings/s</Part>
        {lostToday.value !== null && <Part bad={lostToday.value > 0}>{lostToday.value.toLocaleString('en')} lost today</Part>}
        {refused.value > 0 && (
          <Part bad>
            <a href="/messages?verdict=rejected">{refused.value} not understood</a>
          </Part>
        )}
      </p>
      <Arrangement />
    </div>
  )
}

const Part = ({ children, bad = false }: { children: preact.ComponentChildren; bad?: boolean }) => (
  <span class={bad ? 'part warn' : 'part'}>{children}</span>
)

function Troubled() {
  const troubled = (['offline', 'late'] as const).map(state => [countOf(state), state] as const).filter(([n]) => n > 0)
  return (
    <>
      {troubled.map(([n, state]) => (
        <Part key={state} bad>
          {n} {state}
        </Part>
      ))}
    </>
  )
}

// An old mistake is no news.
const freshMs = 3_600_000

/** Messages of the last hour that could not be read: whoever misses a board should see them without scrolling. */
const refused = computed(() => rejects.value.filter(one => now.value - one.time < freshMs).length)

/** Order and groups stand in the address, so that a tablet on the wall keeps them. */
function Arrangement() {
  if (nodes.value.size < 2) return null
  const sort = query.value.get('sort') ?? 'trouble'
  const grouped = query.value.get('group') === 'tag'
  return (
    <div class="arrangement">
      <label>
        Sort{' '}
        <select value={sort} onChange={event => setQuery({ sort: event.currentTarget.value === 'trouble' ? null : 'name' })}>
          {Object.entries(orders).map(([value, says]) => (
            <option key={value} value={value}>
              {says}
            </option>
          ))}
        </select>
      </label>
      <label class="tick">
        <input
          type="checkbox"
          checked={grouped}
          onChange={event => setQuery({ group: event.currentTarget.checked ? 'tag' : null })}
        />{' '}
        Group by tag
      </label>
    </div>
  )
}
