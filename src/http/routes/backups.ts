import { Readable } from 'node:stream'
import type { BackupView } from '../../api/settings.ts'
import { audited } from '../audit.ts'
import type { HttpParts } from '../parts.ts'
import { Refused } from '../refused.ts'
import type { Routes } from './routes.ts'

/** Everything that is kept, as one file; and the backups of the schedule. */
export function backupRoutes(app: Routes, parts: HttpParts): void {
  const whole = {
    produces: ['application/octet-stream'],
    summary: 'A backup of this moment, streamed. It ends with a checksum: a file without one is no backup. It contains secrets',
  }
  app.get('/api/backup', { schema: whole, config: audited('backup.download') }, async (_, reply) => {
    const { created, pieces, release } = await parts.backups.begin()
    const name = `espalier-${stampOf(created)}.espalier`
    const body = Readable.from(pieces, { objectMode: false })
    body.once('close', () => void release())
    body.once('error', error => parts.onError(error, 'GET /api/backup'))
    reply.header('content-disposition', `attachment; filename="${name}"`)
    reply.header('cache-control', 'no-store')
    return reply.type('application/octet-stream').send(body)
  })

  app.get('/api/backups', { schema: { summary: 'Scheduled backups, newest first' } }, async () => ({
    items: await parts.backups.list(),
    next: null,
  }))

  const now = { summary: 'Makes a backup in the folder of the schedule, now' }
  const making = audited('backup.make', undefined, (_, answer) => (answer as BackupView).file)
  app.post('/api/backups', { schema: now, config: making }, async (_, reply) => {
    const made = await parts.backups.make()
    if (!('refused' in made)) return reply.code(201).send(made)
    throw new Refused(made.refused === 'no_folder' ? 'state_conflict' : 'backup_failed', made.detail)
  })
}

/** As scheduled backups are called: UTC. */
const stampOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-')
