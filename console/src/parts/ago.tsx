import { useComputed } from '@preact/signals'
import { age, fullTime } from '../format.ts'
import { now } from '../state/connection.ts'

/** How long ago, kept current; the exact time on hover and for machines. */
export function Ago({ time }: { time: number }) {
  const text = useComputed(() => `${age(now.value - time)} ago`)
  return (
    <time dateTime={new Date(time).toISOString()} title={fullTime(time)}>
      {text}
    </time>
  )
}
