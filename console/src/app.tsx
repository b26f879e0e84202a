import { useEffect } from 'preact/hooks'
import { Overview } from './pages/overview.tsx'
import { SignIn } from './pages/sign-in.tsx'
import { session } from './state/connection.ts'
import { follow } from './state/house.ts'

/** Who is signed in sees the house; who is not is asked for the token. */
export function App() {
  if (session.value === 'asking') return null
  return session.value === 'in' ? <House /> : <SignIn />
}

function House() {
  useEffect(() => void follow(), [])
  return <Overview />
}
