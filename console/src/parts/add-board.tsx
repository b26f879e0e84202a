import type { Credential } from '../../../src/api/identities.ts'
import { useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { Copyable } from './copyable.tsx'
import { ProblemNote } from './problem-note.tsx'

// As in the contract; an attribute's pattern wants the dash escaped.
const idPattern = '[A-Za-z0-9][A-Za-z0-9_\\-]{0,31}'

/** A new board: an id, a name if wanted, and which kind of credential. */
export function AddBoard({ gave, lan }: { gave: (credential: Credential) => void; lan: boolean }) {
  const act = useAct()
  const add = async (event: Event) => {
    event.preventDefault()
    const form = event.target as HTMLFormElement
    const filled = new FormData(form)
    const name = String(filled.get('name')).trim()
    const credential = await act.run(() =>
      client.addNode({
        id: String(filled.get('id')).trim(),
        ...(name && { name }),
        ...(filled.get('kind') === 'certificate' && { cert: true }),
      }),
    )
    if (!credential) return
    form.reset()
    gave(credential)
  }
  return (
    <section class="panel" aria-labelledby="add-title">
      <h2 id="add-title">Add a board</h2>
      {!lan && (
        <div class="empty-part">
          <p>Boards can’t reach this machine yet: Espalier listens on it alone. Stop it and start it with</p>
          <Copyable text="npx --no-install espalier up --lan" />
        </div>
      )}
      <form class="add-board" onSubmit={add}>
        <label class="field">
          <span class="field-head">
            Id <span class="dim">letters, digits, _ and -; it stands in topics</span>
          </span>
          <input name="id" required pattern={idPattern} placeholder="greenhouse" autocomplete="off" />
        </label>
        <label class="field">
          <span class="field-head">
            Name <span class="dim">optional, for people</span>
          </span>
          <input name="name" maxLength={64} placeholder="Greenhouse, north" autocomplete="off" />
        </label>
        <label class="field">
          Shows who it is by
          <select name="kind">
            <option value="password">a password (every sketch can)</option>
            <option value="certificate">a client certificate</option>
          </select>
        </label>
        <ProblemNote error={act.error} what="adding boards" />
        <button type="submit" class="primary" disabled={act.busy}>
          Add
        </button>
      </form>
    </section>
  )
}
