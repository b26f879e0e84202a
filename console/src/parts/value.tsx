import { useEffect, useRef } from 'preact/hooks'
import { spoken, steadyFormatter } from '../format.ts'

const format = steadyFormatter()

/** A sensor's name, value and unit; the value's ground fades for a moment when it changes. */
export function Value({ name, value, unit }: { name: string; value: number | undefined | null; unit: string }) {
  const shown = useRef<HTMLElement>(null)
  const before = useRef(value)
  useEffect(() => {
    if (before.current !== undefined && before.current !== value) shown.current?.animate(fade, fadeTiming)
    before.current = value
  }, [value])
  return (
    <div class="value">
      <dt>{spoken(name)}</dt>
      <dd ref={shown}>
        <span class="number">{value === undefined || value === null ? '–' : format(name, value)}</span>
        {unit && <span class="unit"> {unit}</span>}
      </dd>
    </div>
  )
}

const fade = [{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }]
const fadeTiming = { duration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 600 }
