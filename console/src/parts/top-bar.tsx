import { useEffect, useRef } from 'preact/hooks'
import { go, path } from '../state/route.ts'
import { search } from '../state/search.ts'
import { siteName } from '../state/site.ts'
import { nextTheme, theme } from '../state/theme.ts'
import { HealthPill } from './health-pill.tsx'
import { HalfMoon, Mark, Moon, Search, Sun } from './icons.tsx'

const themeIcons = { auto: HalfMoon, light: Sun, dark: Moon }

/** Whose house this is, whether all is well, search and theme. */
export function TopBar() {
  const Theme = themeIcons[theme.value]
  return (
    <header class="top-bar">
      <a class="brand" href="/">
        <Mark /> <span>{siteName.value}</span>
      </a>
      <HealthPill />
      <SearchField />
      <button
        type="button"
        class="quiet theme"
        onClick={nextTheme}
        title={`Theme: ${theme.value}`}
        aria-label={`Theme: ${theme.value}`}
      >
        <Theme />
      </button>
    </header>
  )
}

/** Narrows the cards; from another page it leads to them. */
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
        onInput={event => {
          search.value = event.currentTarget.value
          if (path.peek() === '/') return
          go('/')
          field.current?.focus()
        }}
        onKeyDown={event => {
          if (event.key === 'Enter') document.querySelector<HTMLElement>('.card .name')?.click()
          if (event.key !== 'Escape') return
          search.value = ''
          event.currentTarget.blur()
        }}
      />
      <kbd>/</kbd>
    </label>
  )
}
