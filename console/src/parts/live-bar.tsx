import { clockTime } from '../format.ts'
import { live } from '../state/connection.ts'

/** Says that the picture is old, since when, and that it is back. */
export function LiveBar() {
  const is = live.value
  if (is.state === 'lost')
    return (
      <div class="live-bar lost" role="status">
        No connection since {clockTime(is.since)}. What you see is from then; the page tries again by itself.
      </div>
    )
  if (is.state === 'back')
    return (
      <div class="live-bar back" role="status">
        Connected again. The page is up to date.
      </div>
    )
  return null
}
