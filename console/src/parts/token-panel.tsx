import { useAct } from '../state/ask.ts'
import { client, session, signInProblem, signOut } from '../state/connection.ts'
import { Confirm } from './confirm.tsx'
import { ProblemNote } from './problem-note.tsx'

/** The token opens this page and the API; whoever lost a phone changes it. */
export function TokenPanel() {
  const act = useAct()
  const rotate = async () => {
    const token = await act.run(() => client.rotateToken().then(made => ({ made })))
    if (!token) return
    // Every session ended with the old token, this one too; a session is not told the new one.
    signInProblem.value = 'The token has changed. The new one is in the data directory.'
    session.value = 'out'
  }
  return (
    <section class="panel" aria-labelledby="token-title">
      <h2 id="token-title">Token</h2>
      <p>
        Whoever has it sees and steers everything here. It is in the file <code>token</code> of the data directory.
      </p>
      <ProblemNote error={act.error} what="changing the token" />
      <div class="row">
        <Confirm
          label="Change the token"
          what="All browsers and scripts are signed out at once, this page too. The new token is in the file then."
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
