import { ApiError } from '../../../src/api/client.ts'
import type { ApiEvent, EventType } from '../../../src/api/events.ts'
import { client } from './connection.ts'

/** The one event stream, which carries messages only while a page shows some: every reading is in `readings` already, and a fast fleet
 *  would send a page that nobody looks at everything twice. */
const always: readonly EventType[] = ['readings', 'presence', 'command', 'reject', 'broker', 'alert']

let watchers = 0
let reopen = (): void => undefined
// From one page with messages to the next is no reason to open the stream anew.
const lingerMs = 2000
const refusedMs = 10_000

/** Messages come until the returned function is called. */
export function watchMessages(): () => void {
  if (watchers++ === 0) reopen()
  return () => setTimeout(() => --watchers === 0 && reopen(), lingerMs)
}

/** Throws when the session has ended. A change of what is asked for goes on behind the last event and is no loss of connection. */
export async function readEvents(
  take: (event: ApiEvent) => void,
  onConnection: (open: boolean, refused?: boolean) => void,
): Promise<void> {
  let lastEventId: string | undefined
  let connected = false
  for (;;) {
    const turn = new AbortController()
    // Without an event to go on behind, what happened meanwhile must be loaded.
    let changing = connected && lastEventId !== undefined
    const withMessages = watchers > 0
    reopen = () => withMessages !== watchers > 0 && turn.abort()
    const events = client.events({
      types: withMessages ? [...always, 'message'] : always,
      ...(lastEventId !== undefined && { lastEventId }),
      signal: turn.signal,
      onConnection: open => {
        if (!(open && changing)) onConnection(open)
        changing = false
        connected = open
      },
    })
    try {
      for await (const event of events) {
        if (event.id !== null) lastEventId = event.id
        take(event)
      }
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) throw error
      // Too many streams or requests: the door opens again.
      connected = false
      onConnection(false, true)
      await new Promise(done => setTimeout(done, refusedMs))
    }
  }
}
