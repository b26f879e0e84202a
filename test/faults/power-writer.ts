import { openLevelRecords } from '../../src/store/level/level.ts'

/** The process under the power cut: `node power-writer.mjs DIR` writes numbered records, most of them unsynced, and prints how many
 *  a synced write has covered. Behind a synced write that follows a change of LevelDB's log it waits a moment, to be cut there. */
const records = await openLevelRecords(process.argv[2]!)
const perSync = 230 // of 4 KiB: a log of LevelDB takes about four such rounds
let n = 0
for (let round = 1; ; round++) {
  for (let i = 0; i < perSync; i++)
    await records.write([{ collection: 'numbers', key: String(n++).padStart(6, '0'), value: 'x'.repeat(4096) }], { sync: false })
  await records.write([{ collection: 'marks', key: 'synced', value: n }], { sync: true })
  process.stdout.write(`${n}\n`)
  if (round > 4) process.kill(process.pid, 'SIGSTOP')
}
