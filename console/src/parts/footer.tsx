import { session, signOut } from '../state/connection.ts'
import { broker } from '../state/house.ts'

/** The zone once, what runs, and the way out. */
export function Footer() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  const view = broker.value
  return (
    <footer class="footer">
      <span>Times are {zone}</span>
      {view && (
        <span>
          {view.kind} broker {view.version}, {view.clients ?? '?'} clients
        </span>
      )}
      <a href="/api/openapi.json">API</a>
      {session.value === 'in' && (
        <button type="button" class="link" onClick={signOut}>
          Sign out
        </button>
      )}
    </footer>
  )
}
