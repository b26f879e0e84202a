import { useState } from 'preact/hooks'
import { type ImageIdentity, MarkerSearch } from '../../../src/contract/image.ts'
import { useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { Copyable } from './copyable.tsx'
import { ProblemNote } from './problem-note.tsx'

/** A file of firmware, which says itself what it is: chosen, looked at, sent. */
export function AddImage({ added }: { added: () => void }) {
  const [file, setFile] = useState<File | null>(null)
  const [found, setFound] = useState<ImageIdentity | null>(null)
  const [told, setTold] = useState('')
  const act = useAct()
  const look = async (chosen: File | null) => {
    setFile(chosen)
    setFound(null)
    setTold('')
    if (chosen === null) return
    const search = new MarkerSearch()
    search.take(new Uint8Array(await chosen.arrayBuffer()))
    const [inside, another] = search.found()
    if (inside !== undefined && another === undefined) setFound(inside)
    else setTold('This file does not say what it is: it is no firmware built on the espalier library.')
  }
  const add = async (event: Event) => {
    event.preventDefault()
    if (file === null || found === null) return
    const answer = await act.run(() => client.addFirmware(found, file))
    if (answer === undefined) return
    setTold(
      answer.key_made === null
        ? `${answer.version} for ${answer.board} was added.`
        : `${answer.version} for ${answer.board} was added. The key that signs firmware was made in ${answer.key_made}: keep a copy elsewhere.`,
    )
    added()
  }
  return (
    <section class="panel" aria-labelledby="add-image-title">
      <h2 id="add-image-title">Add an image</h2>
      <form class="update-form" onSubmit={event => void add(event)}>
        <label class="field">
          File
          <input type="file" required onChange={event => void look(event.currentTarget.files?.[0] ?? null)} />
        </label>
        {found && (
          <p>
            <strong>{found.version}</strong> for <strong>{found.board}</strong>
          </p>
        )}
        {told && <p role="status">{told}</p>}
        <ProblemNote error={act.error} />
        <button type="submit" class="primary" disabled={found === null || act.busy}>
          {act.busy ? 'Sending …' : 'Add and sign'}
        </button>
      </form>
      <p class="dim">With the private key on another machine, sign there:</p>
      <Copyable text="npx --no-install espalier firmware add firmware.bin --version 1.4.2 --board esp32dev --key firmware.pem" />
    </section>
  )
}
