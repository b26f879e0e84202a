import { expect, test } from 'vitest'
import type { AuditNote } from '../fleet/audit.ts'
import { ownDeeds } from './audit.ts'

test('what the manager does by itself is noted as its own, with what came of it', async () => {
  const notes: AuditNote[] = []
  const published: string[] = []
  const deeds = ownDeeds({ note: note => void notes.push(note) })
  const view = { what: 'raw', why: 'age', rows: 1_000, from: 0, to: 86_400_000, time: 0 } as never
  deeds.throughHub({ publish: event => void published.push(event.type) }).publish({ type: 'retention', data: view })
  deeds.backup('/b/espalier-1', '')
  deeds.backup(null, 'no room')
  deeds.certificate('AA:BB')
  await deeds.reload(Promise.resolve({ ok: true, applied: ['alerts'], needs_restart: [] }))
  await deeds.reload(Promise.resolve({ ok: false, errors: [{ path: 'e.yaml:3: x', message: 'no', allowed: 'y' }] }))
  expect(published).toEqual(['retention'])
  expect(notes.every(note => note.who === 'espalier')).toBe(true)
  expect(notes.map(note => [note.action, note.subject, note.outcome])).toEqual([
    ['retention.sweep', 'raw', 'done'],
    ['backup.scheduled', '/b/espalier-1', 'done'],
    ['backup.scheduled', null, 'failed'],
    ['certificate.renew', 'server', 'done'],
    ['config.reload', null, 'done'],
    ['config.reload', null, 'refused'],
  ])
  expect(notes[0]!.detail).toContain('1,000 readings')
})
