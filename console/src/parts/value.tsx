import { useEffect, useRef } from 'preact/hooks'
import { spoken, steadyFormatter } from '../format.ts'

const format = steadyFormatter()

interface ValueProps {
  readonly name: string
  readonly value: number | undefined | null
  readonly unit: string
  /** Where it stands decides the elements. */
  readonly within?: 'list' | 'text'
}

/** A sensor's name, value and unit; the value's ground fades for a moment when it changes. */
export function Value({ name, value, unit, within = 'list' }: ValueProps) {
  const [Pair, Label, Figure] = within === 'list' ? (['div', 'dt', 'dd'] as const) : (['span', 'span', 'span'] as const)
  const shown = useRef<HTMLElement>(null)
  const text = value === undefined || value === null ? '–' : format(name, value)
  const before = useRef(text)
  useEffect(() => {
    // What reads the same has not changed for whoever looks.
    if (before.current !== text) shown.current?.animate(fade, fadeTiming)
    before.current = text
  }, [text])
  return (
    <Pair class="value">
      <Label class="label">{spoken(name)}</Label>
      <Figure ref={shown} class="figure">
        <span class="number">{text}</span>
        {unit && <span class="unit"> {unit}</span>}
      </Figure>
    </Pair>
  )
}

const fade = [{ backgroundColor: 'var(--flash)' }, { backgroundColor: 'transparent' }]
const fadeTiming = { duration: matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 600 }
