import type { Audit } from '../fleet/fleet.ts'
import type { EventHub } from '../http/http.ts'
import { inWords } from './retention.ts'
import type { ReloadOutcome } from './settings.ts'

/** What the manager does by itself, for the audit log; what people do comes in through the HTTP server. */
export interface OwnDeeds {
  /** Passes events on, and notes what retention let go. */
  throughHub(hub: Pick<EventHub, 'publish'>): Pick<EventHub, 'publish'>
  /** A backup of the schedule; `failure` empty: it was made. */
  backup(file: string | null, failure: string): void
  certificate(fingerprint: string): void
  /** A reload by SIGHUP. */
  reload(work: Promise<ReloadOutcome>): Promise<ReloadOutcome>
}

export function ownDeeds(audit: Pick<Audit, 'note'>): OwnDeeds {
  const note = (action: string, subject: string | null, outcome: 'done' | 'refused' | 'failed', detail: string): void =>
    audit.note({ who: 'espalier', action, subject, outcome, detail })
  return {
    throughHub: hub => ({
      publish(event) {
        hub.publish(event)
        if (event.type === 'retention') note('retention.sweep', event.data.what, 'done', inWords(event.data))
      },
    }),
    backup: (file, failure) => note('backup.scheduled', file, failure === '' ? 'done' : 'failed', failure),
    certificate: fingerprint => note('certificate.renew', 'server', 'done', fingerprint),
    async reload(work) {
      const outcome = await work
      const detail = outcome.ok ? outcome.applied.join(', ') || 'nothing changed' : outcome.errors.map(e => e.path).join(', ')
      note('config.reload', null, outcome.ok ? 'done' : 'refused', detail)
      return outcome
    },
  }
}
