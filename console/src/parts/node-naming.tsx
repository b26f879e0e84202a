import type { NodePatch, NodeView } from '../../../src/api/nodes.ts'
import { useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { loadAll } from '../state/house.ts'
import { ProblemNote } from './problem-note.tsx'

/** A name for people, and tags to group by. */
export function NodeNaming({ view, done }: { view: NodeView; done: () => void }) {
  const act = useAct()
  const save = async (event: Event) => {
    event.preventDefault()
    const form = new FormData(event.target as HTMLFormElement)
    const saved = await act.run(async () => {
      await client.patchNode(view.id, patchOf(String(form.get('name')), String(form.get('tags'))))
      await loadAll()
      return true
    })
    if (saved) done()
  }
  return (
    <form class="naming" onSubmit={save}>
      <label class="field">
        Name
        <input name="name" maxLength={64} defaultValue={view.name ?? ''} placeholder={view.id} autofocus />
      </label>
      <label class="field">
        <span class="field-head">
          Tags <span class="dim">lower case, with spaces between</span>
        </span>
        <input name="tags" defaultValue={view.tags.join(' ')} placeholder="garden roof" />
      </label>
      <button type="submit" class="primary" disabled={act.busy}>
        Save
      </button>
      <button type="button" class="quiet" onClick={done}>
        Cancel
      </button>
      <ProblemNote error={act.error} />
    </form>
  )
}

/** An empty name takes it away. */
const patchOf = (name: string, tags: string): NodePatch => ({
  name: name.trim() || null,
  tags: tags
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean),
})
