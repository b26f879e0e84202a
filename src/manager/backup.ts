import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { EmbeddedBroker } from '../broker/embedded/embedded.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { JournalOnDisk } from '../journal/journal.ts'
import type { Clock } from '../kit/clock.ts'
import { bytesSource, fileSource, pairsSource, type Source, writeBackup } from '../store/backup/backup.ts'
import type { LevelRecords } from '../store/level/level.ts'
import type { ParquetReadings } from '../store/parquet/parquet.ts'

/** A backup that is being made: everything as it was in one moment. */
export interface Backup {
  readonly created: number
  readonly readings: number
  /** The file, piece by piece; an error ends it. */
  readonly pieces: AsyncGenerator<Uint8Array, void>
  /** Lets go of everything; also when it was not read. */
  release(): Promise<void>
}

export interface BackupParts {
  readonly data: string
  readonly version: string
  readonly lane: Pick<Lane, 'between'>
  readonly journal: Pick<JournalOnDisk, 'cut'>
  readonly records: Pick<LevelRecords, 'snapshot' | 'get' | 'write'>
  readonly store: Pick<ParquetReadings, 'snapshot' | 'stats' | 'scrub'>
  /** null: there is nothing of it to be kept. */
  readonly broker: Pick<EmbeddedBroker, 'snapshot'> | null
  readonly nodes: () => number
  readonly clock: Clock
}

/** Makes the cut between two batches, in one go and without waiting for anything: what is on the disk then is what a power cut in this
 *  moment would leave, plus nothing. So the restored directory opens as after a power cut, and holds everything that was acknowledged
 *  before. Copying it takes its time afterwards, while ingest goes on. */
export async function beginBackup(parts: BackupParts): Promise<Backup> {
  const { clock, version } = parts
  const cut = await parts.lane.between(() => cutNow(parts))
  const about = { espalier: version, created: clock.wallMs(), readings: cut.readings, nodes: cut.nodes }
  const pieces = (async function* () {
    try {
      yield* writeBackup(about, cut.sources)
    } finally {
      await cut.release()
    }
  })()
  return { created: about.created, readings: about.readings, pieces, release: cut.release }
}

interface Cut {
  readonly readings: number
  readonly nodes: number
  readonly sources: readonly Source[]
  release(): Promise<void>
}

/** No `await` in here: all of it is of one moment. */
function cutNow({ data, journal, records, store, broker, nodes }: BackupParts): Cut {
  const held: (() => Promise<void>)[] = []
  const hold = <T>(thing: T, close: (thing: T) => Promise<void>): T => {
    held.push(() => close(thing))
    return thing
  }
  const release = async (): Promise<void> => {
    for (const close of held.splice(0)) await close()
  }
  try {
    const log = hold(journal.cut(), cut => cut.close())
    const readings = hold(store.snapshot(), snapshot => snapshot.release())
    const kept = hold(records.snapshot(), snapshot => snapshot.close())
    const sessions = broker?.snapshot() ?? null
    if (sessions !== null) hold(sessions, snapshot => snapshot.close())
    const sources = [
      bytesSource('readings/manifest.json', Buffer.from(readings.manifest)),
      pairsSource('records', kept.pairs),
      ...(sessions === null ? [] : [pairsSource('broker', sessions.pairs)]),
      ...smallFiles(data),
      ...log.segments.map(({ name, bytes, pieces }): Source => ({ path: `journal/${name}`, bytes, crc: null, pieces })),
      ...readings.files.map(({ name, path, bytes, crc }) => fileSource(`readings/${name}`, { at: path, bytes, crc })),
    ]
    return { readings: store.stats().rows, nodes: nodes(), sources, release }
  } catch (error) {
    void release()
    throw error
  }
}

/** Without them the boards would meet a stranger: other names, another CA, another key of firmware. */
function smallFiles(data: string): Source[] {
  const names = ['token', 'manager-secret', 'espalier.yaml', ...filesBelow(data, 'ca'), 'keys/firmware.pem', 'keys/firmware.pub']
  return names.filter(name => existsSync(join(data, name))).map(name => bytesSource(name, readFileSync(join(data, name))))
}

const namePattern = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/

function filesBelow(data: string, folder: string, depth = 1): string[] {
  if (!existsSync(join(data, folder))) return []
  return readdirSync(join(data, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`
    if (!namePattern.test(entry.name) || entry.name.endsWith('.new')) return [] // being written
    if (entry.isDirectory()) return depth > 0 ? filesBelow(data, path, depth - 1) : []
    return entry.isFile() ? [path] : []
  })
}
