import type { BackupView } from '../../../src/api/settings.ts'
import { type Answer, useAct } from '../state/ask.ts'
import { client } from '../state/connection.ts'
import { Ago } from './ago.tsx'
import { bytesText } from './amount.ts'
import { Copyable } from './copyable.tsx'
import { ProblemNote } from './problem-note.tsx'

/** One file that holds everything, now and by the clock. */
export function Backups({ answer }: { answer: Answer<BackupView[]> }) {
  const act = useAct()
  const make = async () => {
    if (await act.run(client.makeBackup)) answer.reload()
  }
  const list = answer.value ?? []
  return (
    <section class="panel" aria-labelledby="backups-title">
      <div class="section-head">
        <h2 id="backups-title">Backups</h2>
        <button type="button" class="second" disabled={act.busy} onClick={() => void make()}>
          {act.busy ? 'Writing …' : 'Back up now'}
        </button>
      </div>
      <ProblemNote error={act.error ?? answer.error} what="backups" />
      {answer.value && list.length === 0 && (
        <div class="empty-part">
          <p>There is none yet. For one every day, name a folder on this machine (a stick, a share):</p>
          <Copyable text="npx --no-install espalier backup --schedule /mnt/stick/espalier" />
          <p>Or make one by hand:</p>
          <Copyable text="npx --no-install espalier backup house.espalier" />
        </div>
      )}
      {list.length > 0 && (
        <ul class="backup-list">
          {list.slice(0, 7).map(one => (
            <li key={one.file}>
              <code>{one.file}</code>
              <span class="dim">
                {bytesText(one.bytes)}, {one.readings.toLocaleString('en')} readings, <Ago time={one.time} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
