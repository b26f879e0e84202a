import { Copyable } from '../parts/copyable.tsx'
import { Mark } from '../parts/icons.tsx'
import { signIn, signInProblem } from '../state/connection.ts'

/** Without a session: asks for the token and says where it is. */
export function SignIn() {
  const submit = (event: Event) => {
    event.preventDefault()
    void signIn(new FormData(event.target as HTMLFormElement).get('token') as string)
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
          {signInProblem.value}
        </p>
        <button type="submit" class="primary">
          Sign in
        </button>
      </form>
    </main>
  )
}
