import type { FirmwareView } from '../../../src/api/firmware.ts'
import { AddImage } from '../parts/add-image.tsx'
import { Ago } from '../parts/ago.tsx'
import { bytesText } from '../parts/amount.ts'
import { Confirm } from '../parts/confirm.tsx'
import { ProblemNote } from '../parts/problem-note.tsx'
import { Waiting } from '../parts/waiting.tsx'
import { arrived, useAct, useAnswer } from '../state/ask.ts'
import { asks } from '../state/asks.ts'
import { client } from '../state/connection.ts'
import { nodes } from '../state/house.ts'

/** Images that boards can be updated to; a board is updated on its own page. */
export function Firmware() {
  const images = useAnswer(client.firmware, [], 15_000)
  const connect = useAnswer(asks.connect, [])
  if (!arrived(images, connect)) return <Waiting rows={8} />
  const list = images.value ?? []
  return (
    <>
      <h1>Firmware</h1>
      {connect.value !== null && connect.value.ca === null && (
        <p class="panel warn-note">
          Boards fetch firmware over HTTPS, and this server listens on this machine alone. Start it with{' '}
          <code>espalier up --lan</code>.
        </p>
      )}
      <div class="halves">
        <section class="panel" aria-labelledby="images-title">
          <h2 id="images-title">Images</h2>
          <ProblemNote error={images.error} what="firmware" />
          {list.length === 0 && (
            <p class="dim">None yet. What is added here can be chosen on the page of each board it is for.</p>
          )}
          <ul class="backup-list">
            {list.map(image => (
              <Image key={image.sha256} image={image} changed={images.reload} />
            ))}
          </ul>
        </section>
        <AddImage added={images.reload} />
      </div>
    </>
  )
}

function Image({ image, changed }: { image: FirmwareView; changed: () => void }) {
  const act = useAct()
  const { version, board, size, sha256, added_at } = image
  const views = [...nodes.value.values()].map(node => node.value).filter(view => view.board === board)
  const running = views.filter(view => view.firmware === version).length
  const remove = () => act.run(() => client.removeFirmware(sha256)).then(changed)
  return (
    <li>
      <span>
        <strong>{version}</strong> for {board}
      </span>
      <span class="dim">
        {bytesText(size)}, added <Ago time={added_at} />; runs on {running} of {views.length}
      </span>
      <code class="hash" title="SHA-256">
        {sha256}
      </code>
      <ProblemNote error={act.error} />
      <div class="row-tools">
        <Confirm
          label="Remove"
          what={`${version} for ${board} is removed; boards that run it go on.`}
          yes="Remove it"
          act={remove}
        />
      </div>
    </li>
  )
}
