import { clockTime } from '../format.ts'
import { live } from '../state/connection.ts'
import { loaded } from '../state/house.ts'

/** Says that the picture is old, since when, and that it is back. */
export function LiveBar() {
  const is = live.value
  if (is.state === 'lost')
    return (
      <div class="live-bar lost" role="status">
        {is.refused
          ? `Espalier turns this page away since ${clockTime(is.since)}: too many pages or requests at once.`
          : `No connection since ${clockTime(is.since)}.`}{' '}
        {loaded.value && 'What you see is from then. '}The page tries again by itself.
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
