import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { UpOptions } from '../config/config.ts'
import { createEventHub, createMetrics } from '../http/http.ts'
import { openJournal } from '../journal/open.ts'
import { systemClock } from '../kit/clock.ts'
import { openLevelRecords } from '../store/level/level.ts'
import { openParquetReadings } from '../store/parquet/parquet.ts'
import { RecordsLocked } from '../store/records.ts'
import { DataInUse } from './errors.ts'
import type { Log } from './log.ts'

/** The parts of the embedded profile: records on LevelDB (their lock is the data directory's), our journal, Parquet files. */
export async function openParts(options: UpOptions, log: Log) {
  const dir = (name: string): string => join(options.data, name)
  await mkdir(options.data, { recursive: true, mode: 0o700 })
  const records = await openLevelRecords(dir('records'), {
    onDamage: damage => log.error(damage, 'records are damaged'),
  }).catch(error => {
    throw error instanceof RecordsLocked ? new DataInUse(options.data) : error
  })
  const metrics = createMetrics()
  const journal = await openJournal({
    dir: dir('journal'),
    onCommit: metrics.observeCommit,
    onHealth: health => (health.ok ? log.info('the journal is well again') : log.error(health.detail)),
  })
  const store = await openParquetReadings({
    dir: dir('readings'),
    sealRows: options.sealRows,
    clock: systemClock,
    onAlarm: alarm => log[alarm.what === 'seal_recovered' ? 'info' : 'error'](alarm, 'readings store'),
  })
  return { records, journal, store, metrics, hub: createEventHub({ clock: systemClock }), clock: systemClock }
}
