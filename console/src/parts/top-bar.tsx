import { computed } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { counted } from '../format.ts'
import { now } from '../state/connection.ts'
import { countOf, loaded, nodes, rate, rejects } from '../state/house.ts'
import { search } from '../state/selection.ts'
import { nextTheme, theme } from '../state/theme.ts'
import { HealthPill } from './health-pill.tsx'
import { HalfMoon, Mark, Moon, Search, Sun } from './icons.tsx'

const themeIcons = { auto: <HalfMoon />, light: <Sun />, dark: <Moon /> }

/** Name, health, three numbers in words, search and theme. */
export function TopBar() {
  return (
    <header class="top-bar">
      <a class="brand" href="#/">
        <Mark /> Espalier
      </a>
      <HealthPill />
      <Summary />
      <SearchField />
      <button
        type="button"
        class="quiet theme"
        onClick={nextTheme}
        title={`Theme: ${theme.value}`}
        aria-label={`Theme: ${theme.value}`}
      >
        {themeIcons[theme.value]}
      </button>
    </header>
  )
}

function Summary() {
  if (!loaded.value) return <p class="summary" />
  const troubled = (['offline', 'late'] as const).map(state => [countOf(state), state] as const).filter(([n]) => n > 0)
  return (
    <p class="summary">
      {counted(nodes.value.size, 'node')}
      {troubled.map(([n, state]) => `, ${n} ${state}`)}
      {rate.value !== null && `, ${rate.value.toFixed(rate.value < 10 ? 1 : 0)} readings/s`}
      {refused.value > 0 && (
        <>
          ,{' '}
          <button type="button" class="link" onClick={showRefused}>
            {refused.value} not understood
          </button>
        </>
      )}
    </p>
  )
}

// An old mistake is no news.
const freshMs = 3_600_000

/** Messages of the last hour that could not be read: whoever misses a board should see them without scrolling. */
const refused = computed(() => rejects.value.filter(one => now.value - one.time < freshMs).length)

function showRefused(): void {
  document.getElementById('not-understood')?.scrollIntoView({ block: 'center' })
}

function SearchField() {
  const field = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      if (event.key !== '/' || (event.target as HTMLElement).matches('input, textarea, select')) return
      event.preventDefault()
      field.current?.focus()
    }
    addEventListener('keydown', focus)
    return () => removeEventListener('keydown', focus)
  }, [])
  return (
    <label class="search">
      <Search />
      <input
        ref={field}
        type="search"
        placeholder="Find a node"
        aria-label="Find a node"
        value={search.value}
        onInput={event => (search.value = event.currentTarget.value)}
        onKeyDown={event => {
          if (event.key !== 'Escape') return
          search.value = ''
          event.currentTarget.blur()
        }}
      />
      <kbd>/</kbd>
    </label>
  )
}
