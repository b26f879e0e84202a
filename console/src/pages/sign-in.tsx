import { useState } from 'preact/hooks'
import { ApiError } from '../../../src/api/client.ts'
import { Copyable } from '../parts/copyable.tsx'
import { Mark } from '../parts/icons.tsx'
import { signIn } from '../state/connection.ts'

/** Without a session: asks for the token and says where it is. */
export function SignIn() {
  const [problem, setProblem] = useState('')
  const submit = async (event: Event) => {
    event.preventDefault()
    const token = new FormData(event.target as HTMLFormElement).get('token') as string
    try {
      await signIn(token)
    } catch (error) {
      setProblem(error instanceof ApiError && error.status === 401 ? 'That is not the token of this server.' : String(error))
    }
  }
  return (
    <main class="sign-in">
      <form class="panel" onSubmit={submit}>
        <h1>
          <Mark /> Espalier
        </h1>
        <p>
          This page shows your boards to whoever has the token. The terminal where Espalier runs prints a link that signs you in;
          or read the token from the data directory:
        </p>
        <Copyable text="cat data/token" />
        <label>
          Token
          <input
            name="token"
            type="password"
            autocomplete="current-password"
            required
            autofocus
            aria-describedby="sign-in-problem"
          />
        </label>
        <p id="sign-in-problem" class="problem" role="alert">
          {problem}
        </p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  )
}
