import type { PresenceState } from '../../../src/api/nodes.ts'

const shapes = {
  online: <circle cx="8" cy="8" r="5.5" fill="currentColor" stroke="none" />,
  late: (
    <>
      <circle cx="8" cy="8" r="5" />
      <path d="M8 3a5 5 0 0 0 0 10z" fill="currentColor" stroke="none" />
    </>
  ),
  offline: <circle cx="8" cy="8" r="5" />,
  asleep: <path d="M12.8 9.6A5.5 5.5 0 0 1 6.4 3.2a5.5 5.5 0 1 0 6.4 6.4z" fill="currentColor" stroke="none" />,
  unknown: <path d="M5.8 6.2a2.3 2.3 0 1 1 3.4 2c-.8.4-1.2.9-1.2 1.8M8 12.5v.1" />,
} as const

/** A node's state as shape, word and colour: never colour alone. */
export function StateMark({ state }: { state: PresenceState }) {
  return (
    <span class={`state ${state}`}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        {shapes[state]}
      </svg>
      {state}
    </span>
  )
}
