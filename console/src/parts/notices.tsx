import { dismiss, notices } from '../state/notices.ts'

/** What just happened, in the corner; said aloud to those who listen. */
export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map(({ key, text, to }) => (
        <p key={key} class="notice">
          <span>{text}</span>
          {to !== undefined && <a href={to}>Look</a>}
          <button type="button" class="quiet" onClick={() => dismiss(key)}>
            Close
          </button>
        </p>
      ))}
    </div>
  )
}
