import { useComputed } from '@preact/signals'
import { ago, fullTime } from '../format.ts'
import { now } from '../state/connection.ts'

/** How long ago, kept current; the exact time on hover and for machines. */
export function Ago({ time, aside = false }: { time: number; aside?: boolean }) {
  const text = useComputed(() => ago(now.value - time))
  return (
    <time class={aside ? 'since' : undefined} dateTime={new Date(time).toISOString()} title={fullTime(time)}>
      {text}
    </time>
  )
}
