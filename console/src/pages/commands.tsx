import { type CommandState, commandStates } from '../../../src/api/commands.ts'
import { CommandList } from '../parts/command-list.tsx'
import { Copyable } from '../parts/copyable.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { useAnswer } from '../state/ask.ts'
import { mergeCommands } from '../state/command-log.ts'
import { client } from '../state/connection.ts'
import { commands, nodes } from '../state/house.ts'
import { query, setQuery } from '../state/route.ts'

const shown = 100

/** Did my command happen? Newest first, each with its evidence. */
export function Commands() {
  const node = query.value.get('node') ?? ''
  const state = query.value.get('state') ?? ''
  const filter = { ...(node && { node }), ...(state && { state: state as CommandState }) }
  const answer = useAnswer(() => client.commands({ ...filter, limit: shown }), [node, state])
  const list = mergeCommands(
    answer.value ?? [],
    commands.value,
    one => (node === '' || one.node === node) && (state === '' || one.state === state),
  ).slice(0, shown)
  return (
    <>
      <header class="page-head">
        <h1>Commands</h1>
        <div class="filters">
          <label>
            Node{' '}
            <select value={node} onChange={event => setQuery({ node: event.currentTarget.value || null })}>
              <option value="">all</option>
              {[...nodes.value.keys()].sort().map(id => (
                <option key={id} value={id}>
                  {id}
                </option>
              ))}
            </select>
          </label>
          <label>
            State{' '}
            <select value={state} onChange={event => setQuery({ state: event.currentTarget.value || null })}>
              <option value="">all</option>
              {commandStates.map(one => (
                <option key={one} value={one}>
                  {one}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      <ProblemNote error={answer.error} />
      {list.length > 0 && (
        <section class="panel" aria-label="Commands">
          <CommandList list={list} named />
        </section>
      )}
      {list.length === 0 && (answer.value ? <None filtered={node !== '' || state !== ''} /> : <Waiting rows={4} />)}
    </>
  )
}

function None({ filtered }: { filtered: boolean }) {
  if (filtered)
    return (
      <p class="panel dim">
        No command fits this filter.{' '}
        <button type="button" class="link" onClick={() => setQuery({ node: null, state: null })}>
          Show all
        </button>
      </p>
    )
  const id = nodes.value.keys().next().value ?? 'sim-1'
  return (
    <section class="panel empty">
      <h2>Nothing was sent yet</h2>
      <p>Open a node to send it a command from a form, press Blink on a card, or write</p>
      <Copyable text={`npx --no-install espalier send ${id} set_led state=on`} />
    </section>
  )
}
