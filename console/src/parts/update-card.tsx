import { useState } from 'preact/hooks'
import type { CommandView } from '../../../src/api/commands.ts'
import type { NodeView } from '../../../src/api/nodes.ts'
import { useAct, useAnswer } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { imagesFor, saidOf } from '../state/update-said.ts'
import { Ago } from './ago.tsx'
import { ProblemNote } from './problem-note.tsx'

interface UpdateCardProps {
  readonly view: NodeView
  readonly status: Readonly<Record<string, unknown>> | null
  /** Of this node, newest first. */
  readonly commands: readonly CommandView[]
}

/** Which firmware runs, and another one for it: chosen, followed, with the reason where it did not work. */
export function UpdateCard({ view, status, commands }: UpdateCardProps) {
  const last = commands.find(({ command }) => command === 'update_firmware')
  const said = last && saidOf(last)
  return (
    <section class="panel update" aria-labelledby="firmware-title">
      <h2 id="firmware-title">Firmware</h2>
      <Running view={view} status={status} />
      {last && said && (
        <div class="update-said" role="status">
          <p class={said.tone}>
            {said.text}
            {last.final_at !== null && (
              <span class="dim">
                {' '}
                <Ago time={last.final_at} />
              </span>
            )}
          </p>
          {said.underWay && <progress aria-label={said.text} max={100} value={said.percent ?? undefined} />}
          {said.reason && <p class="dim">{said.reason}</p>}
        </div>
      )}
      {!said?.underWay && <Choice view={view} />}
    </section>
  )
}

function Running({ view, status }: Pick<UpdateCardProps, 'view' | 'status'>) {
  const { slot, confirmed } = (status?.firmware ?? {}) as { slot?: unknown; confirmed?: unknown }
  if (view.firmware === null) return <p class="dim">The board does not say which firmware it runs.</p>
  return (
    <p>
      <strong>{view.firmware}</strong>{' '}
      <span class="dim">
        {view.board && `for ${view.board}`}
        {typeof slot === 'string' && `, slot ${slot}`}
        {confirmed === true && ', confirmed'}
      </span>
      {confirmed === false && <span class="warn"> on trial: it goes back unless it proves itself within 5 minutes</span>}
    </p>
  )
}

function Choice({ view }: { view: NodeView }) {
  const images = useAnswer(client.firmware, [])
  const [version, setVersion] = useState('')
  const [force, setForce] = useState(false)
  const act = useAct()
  const fitting = imagesFor(view.board, images.value ?? [])
  if (images.value === null) return <ProblemNote error={images.error} what="updates" />
  if (fitting.length === 0)
    return (
      <p class="dim">
        No image {view.board ? `for ${view.board}` : 'for it'} was added. <a href="/firmware">Firmware</a>
      </p>
    )
  const chosen = fitting.some(image => image.version === version) ? version : fitting[0]!.version
  const start = async (event: Event) => {
    event.preventDefault()
    await act.run(() => client.update(view.id, { version: chosen, ...(force && { force }) }))
  }
  return (
    <form class="update-form" onSubmit={event => void start(event)}>
      <label class="field">
        Version
        <select value={chosen} onChange={event => setVersion(event.currentTarget.value)}>
          {fitting.map(image => (
            <option key={image.sha256} value={image.version}>
              {image.version}
              {image.version === view.firmware ? ' (runs now)' : ''}
            </option>
          ))}
        </select>
      </label>
      <label class="tick">
        <input type="checkbox" checked={force} onChange={event => setForce(event.currentTarget.checked)} /> even if it is lower,
        or the same
      </label>
      <ProblemNote error={act.error} />
      <button type="submit" class="second" disabled={act.busy}>
        Update
      </button>
    </form>
  )
}
