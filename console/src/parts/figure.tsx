import type { ComponentChildren } from 'preact'

/** A named number with its unit, in a list of such; a dash where it is not known. */
export function Figure({
  name,
  value,
  unit = '',
  tone = '',
  children,
}: {
  name: string
  value: string | number | null
  unit?: string
  tone?: '' | 'warn' | 'bad'
  children?: ComponentChildren
}) {
  return (
    <div class={`value ${tone}`}>
      <dt class="label">{name}</dt>
      <dd class="figure">
        <span class={typeof value === 'string' && /[a-z]/i.test(value) ? 'number words' : 'number'}>
          {value === null ? '–' : typeof value === 'number' ? value.toLocaleString('en') : value}
        </span>
        {value !== null && unit && <span class="unit"> {unit}</span>}
        {children && <span class="beside dim">{children}</span>}
      </dd>
    </div>
  )
}
