import { signal } from '@preact/signals'
import { ApiError, createClient } from '../../../src/api/client.ts'

/** The session and the line to the server. The cookie stands for the token, so the client carries none. */
export const client = createClient({ url: '' })

/** `asking`: not known yet. */
export const session = signal<'asking' | 'in' | 'out'>('asking')

/** The live stream: `lost` since when (Unix ms), `refused` when the server is there and does not want us now, `back` for a few seconds
 *  afterwards. */
export const live = signal<{ state: 'opening' | 'open' | 'back' } | { state: 'lost'; since: number; refused: boolean }>({
  state: 'opening',
})

/** Rises with every connection: what was drawn before may lack a backlog. */
export const connections = signal(0)

/** Server time minus browser time: ages must not depend on the tablet's clock. */
export const skewMs = signal(0)

/** Ticks once a second, in server time. */
export const now = signal(Date.now())
setInterval(() => (now.value = Date.now() + skewMs.value), 1000)

/** Why nobody is signed in, in a sentence; '' when nothing went wrong. */
export const signInProblem = signal('')

const tokenInAddress = (): string | null => new URLSearchParams(location.hash.slice(1)).get('token')

// The terminal's link pasted into a tab that is here already changes the hash and loads nothing.
addEventListener('hashchange', () => tokenInAddress() !== null && void openSession())

/** Takes the token from `/#token=…`, out of the address and into a cookie, then sees whether the session holds. */
export async function openSession(): Promise<void> {
  const token = tokenInAddress()
  if (token !== null) {
    history.replaceState(null, '', location.pathname)
    await signIn(token)
  }
  await measureSkew()
  try {
    await client.rejectCounts()
    session.value = 'in'
  } catch (error) {
    session.value = error instanceof ApiError && error.status !== 401 ? 'in' : 'out'
  }
}

/** What went wrong is told by `signInProblem`. */
export async function signIn(token: string): Promise<void> {
  signInProblem.value = ''
  try {
    await client.signIn(token.trim())
    session.value = 'in'
  } catch (error) {
    const wrong = error instanceof ApiError && error.status === 401
    signInProblem.value = wrong
      ? 'That is not the token of this server. It may be the one of another data directory.'
      : `Espalier does not answer as it should: ${(error as Error).message}`
  }
}

export async function signOut(): Promise<void> {
  await client.signOut()
  location.reload()
}

async function measureSkew(): Promise<void> {
  const date = await fetch('/healthz').then(
    response => Date.parse(response.headers.get('date') ?? ''),
    () => Number.NaN,
  )
  // The header has whole seconds: less than two is no skew.
  const skew = date + 500 - Date.now()
  if (Math.abs(skew) > 2000) skewMs.value = skew
}
