import { restoreBackup } from '../../src/store/backup/backup.ts'

/** The victim: restores a file, and dies behind the step that it is told; without one it says `begun` and does all of it. */
const [file, data, end] = process.argv.slice(2)
await restoreBackup({
  file: file!,
  data: data!,
  wallMs: () => Date.UTC(2026, 3, 1),
  step(name) {
    if (name === 'begun') process.stdout.write('begun\n')
    if (name === end) process.kill(process.pid, 'SIGKILL')
  },
})
