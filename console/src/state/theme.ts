import { signal } from '@preact/signals'

export type Theme = 'auto' | 'light' | 'dark'
const themes: readonly Theme[] = ['auto', 'light', 'dark']
const key = 'espalier-theme'

export const theme = signal<Theme>('auto')

/** Rises when colours may have changed: what paints on a canvas reads them again. */
export const coloursChanged = signal(0)

export function startTheme(): void {
  const kept = localStorage.getItem(key)
  show(themes.includes(kept as Theme) ? (kept as Theme) : 'auto')
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => coloursChanged.value++)
}

export function nextTheme(): void {
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length]!
  localStorage.setItem(key, next)
  show(next)
}

function show(next: Theme): void {
  document.documentElement.dataset.theme = next
  theme.value = next
  coloursChanged.value++
}

/** A colour token as the canvas understands it: `light-dark()` is resolved by the browser. */
export function ink(token: string): string {
  const probe = document.createElement('span')
  probe.style.color = `var(${token})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}
