import { useState } from 'preact/hooks'
import { useAct } from '../state/ask.ts'
import { asks } from '../state/asks.ts'
import { client, signOut } from '../state/connection.ts'
import { Confirm } from './confirm.tsx'
import { Copyable } from './copyable.tsx'
import { ProblemNote } from './problem-note.tsx'

/** The token opens this page and the API; whoever lost a phone changes it. */
export function TokenPanel() {
  const act = useAct()
  const [token, setToken] = useState<string | null>(null)
  const rotate = async () => {
    const made = await act.run(asks.rotateToken)
    if (!made) return
    setToken(made.token)
    // The old session ended with the old token.
    await client.signIn(made.token).catch(() => undefined)
  }
  return (
    <section class="panel" aria-labelledby="token-title">
      <h2 id="token-title">Token</h2>
      <p>
        Whoever has it sees and steers everything here. It is in the file <code>token</code> of the data directory.
      </p>
      {token !== null && (
        <>
          <p role="status">The new one, shown once. Every other browser and script has to sign in again:</p>
          <Copyable text={token} />
        </>
      )}
      <ProblemNote error={act.error} what="changing the token" />
      <div class="row">
        <Confirm
          label="Change the token"
          what="All other browsers and all scripts are signed out at once."
          yes="Change it"
          act={rotate}
        />
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out here
        </button>
      </div>
    </section>
  )
}
