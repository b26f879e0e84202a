import { path } from '../state/route.ts'

export function NotFound() {
  return (
    <section class="panel empty">
      <h1>No such page</h1>
      <p>
        Nothing is at <code>{path.value}</code>. The pages are in the list; a node is at <code>/nodes/ID</code>.
      </p>
      <p>
        <a href="/">To the overview</a>
      </p>
    </section>
  )
}
