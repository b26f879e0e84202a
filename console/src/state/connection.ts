import { signal } from '@preact/signals'
import { ApiError, createClient } from '../../../src/api/client.ts'

/** The session and the line to the server. The cookie stands for the token, so the client carries none. */
export const client = createClient({ url: '' })

/** `asking`: not known yet. */
export const session = signal<'asking' | 'in' | 'out'>('asking')

/** The live stream: `lost` since when (Unix ms), `back` for a few seconds afterwards. */
export const live = signal<{ state: 'opening' | 'open' | 'back' } | { state: 'lost'; since: number }>({ state: 'opening' })

/** Rises with every connection: what was drawn before may lack a backlog. */
export const connections = signal(0)

/** Server time minus browser time: ages must not depend on the tablet's clock. */
export const skewMs = signal(0)

/** Ticks once a second, in server time. */
export const now = signal(Date.now())
setInterval(() => (now.value = Date.now() + skewMs.value), 1000)

/** Takes the token from `/#token=…`, out of the address and into a cookie, then sees whether the session holds. */
export async function openSession(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) {
    history.replaceState(null, '', location.pathname)
    await client.signIn(token).catch(() => undefined)
  }
  await measureSkew()
  try {
    await client.rejectCounts()
    session.value = 'in'
  } catch (error) {
    session.value = error instanceof ApiError && error.status !== 401 ? 'in' : 'out'
  }
}

/** Throws the ApiError of a wrong token. */
export async function signIn(token: string): Promise<void> {
  await client.signIn(token.trim())
  session.value = 'in'
}

export async function signOut(): Promise<void> {
  await client.signOut()
  location.reload()
}

async function measureSkew(): Promise<void> {
  const date = await fetch('healthz').then(
    response => Date.parse(response.headers.get('date') ?? ''),
    () => Number.NaN,
  )
  // The header has whole seconds: less than two is no skew.
  const skew = date + 500 - Date.now()
  if (Math.abs(skew) > 2000) skewMs.value = skew
}
