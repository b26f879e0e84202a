import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

interface ConfirmProps {
  /** On the button that only asks. */
  readonly label: string
  /** What will happen, in a sentence. */
  readonly what: string
  /** On the button that does it. */
  readonly yes: string
  readonly act: () => Promise<unknown>
  readonly children?: ComponentChildren
}

/** Asks once more, in place, before something that can't be taken back. */
export function Confirm({ label, what, yes, act, children }: ConfirmProps) {
  const [asking, setAsking] = useState(false)
  const ask = useRef<HTMLButtonElement>(null)
  const keep = useRef<HTMLButtonElement>(null)
  const left = useRef(false)
  useLayoutEffect(() => {
    if (asking) keep.current?.focus()
    // Whoever goes by keyboard is where they were before.
    else if (left.current) ask.current?.focus()
    left.current = asking
  }, [asking])
  if (!asking)
    return (
      <button ref={ask} type="button" class="quiet" onClick={() => setAsking(true)}>
        {label}
      </button>
    )
  return (
    <div class="confirm" role="alertdialog" aria-label={what} onKeyDown={event => event.key === 'Escape' && setAsking(false)}>
      <p>{what}</p>
      {children}
      <button type="button" class="danger" onClick={() => void act().then(() => setAsking(false))}>
        {yes}
      </button>
      <button ref={keep} type="button" class="second" onClick={() => setAsking(false)}>
        Leave it
      </button>
    </div>
  )
}
