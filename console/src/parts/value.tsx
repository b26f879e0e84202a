import { useEffect, useRef } from 'preact/hooks'
import { spoken, steadyFormatter } from '../format.ts'

const format = steadyFormatter()

/** A sensor's name, value and unit; the value's ground fades for a moment when it changes. */
export function Value({ name, value, unit }: { name: string; value: number | undefined | null; unit: string }) {
  const shown = useRef<HTMLElement>(null)
  const text = value === undefined || value === null ? '–' : format(name, value)
  const before = useRef(text)
  useEffect(() => {
    // What reads the same has not changed for whoever looks.
    if (before.current !== text) shown.current?.animate(fade, fadeTiming)
    before.current = text
  }, [text])
  return (
    <div class="value">
      <dt>{spoken(name)}</dt>
      <dd ref={shown}>
        <span class="number">{text}</span>
        {unit && <span class="unit"> {unit}</span>}
      </dd>
    </div>
  )
}

const fade = [{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }]
const fadeTiming = { duration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 600 }
