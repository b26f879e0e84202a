import { openLevelRecords } from './level.ts'

/** The victim of the kill test: writes pairs of keys with sync and says each number after its write was acknowledged. */
const records = await openLevelRecords(process.argv[2]!)
for (let n = Number(process.argv[3]); ; n++) {
  await records.write(
    [
      { collection: 'left', key: String(n), value: n },
      { collection: 'right', key: String(n), value: n },
    ],
    { sync: true },
  )
  process.stdout.write(`${n}\n`)
}
