import { clockTime } from '../format.ts'
import { useAct } from '../state/ask.ts'
import { client, now } from '../state/connection.ts'
import { ProblemNote } from './problem-note.tsx'

const lengths: readonly (readonly [string, number])[] = [
  ['1 h', 3600],
  ['8 h', 28_800],
  ['1 d', 86_400],
  ['1 week', 604_800],
]

interface SilenceProps {
  readonly rule: string
  /** null: the whole rule. */
  readonly node: string | null
  readonly until: number | null
  readonly changed: () => void
}

/** Nobody is told for a while; the alert itself stays in sight. */
export function SilenceButton({ rule, node, until, changed }: SilenceProps) {
  const act = useAct()
  const silence = async (seconds: number) => {
    const silenced = { rule, ...(node !== null && { node }), seconds }
    const done = await act.run(() => client.silence(silenced).then(() => true))
    if (done) changed()
  }
  const of = node === null ? rule : `${rule} of ${node}`
  if (until !== null && until > now.value)
    return (
      <span class="silence">
        <span class="dim">silent until {clockTime(until).slice(0, 5)}</span>
        <button type="button" class="quiet" disabled={act.busy} onClick={() => void silence(0)}>
          End silence
        </button>
        <ProblemNote error={act.error} />
      </span>
    )
  return (
    <span class="silence">
      <select
        aria-label={`Silence ${of}`}
        value=""
        disabled={act.busy}
        onChange={event => void silence(Number(event.currentTarget.value))}
      >
        <option value="" disabled>
          Silence…
        </option>
        {lengths.map(([says, seconds]) => (
          <option key={says} value={seconds}>
            for {says}
          </option>
        ))}
      </select>
      <ProblemNote error={act.error} />
    </span>
  )
}
