import type { ReplayReport } from '../journal/journal.ts'
import type { RecordsDamage } from '../store/records.ts'
import type { Log } from './log.ts'

/** What the start found damaged, in words, for health: it is said until somebody acts. The journal's torn places go to the log too. */
export function damageFound(
  records: { readonly damage: readonly RecordsDamage[] },
  torn: ReplayReport['damaged'],
  log: Log,
): string[] {
  for (const place of torn) log[place.what === 'rot' ? 'error' : 'warn'](place, inWords(place))
  return [...records.damage.map(found => found.detail), ...torn.filter(place => place.what === 'rot').map(inWords)]
}

const inWords = ({ segment, offset, bytes, what }: ReplayReport['damaged'][number]): string =>
  what === 'tail'
    ? `the journal ended in the middle of a batch (segment ${segment} at ${offset}, ${bytes} bytes): it had not been acknowledged`
    : `the journal is damaged (segment ${segment} at ${offset}, ${bytes} bytes): batches that were acknowledged may be lost there`
