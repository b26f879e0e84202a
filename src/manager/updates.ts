import { randomFillSync } from 'node:crypto'
import { join } from 'node:path'
import { largestImageBytes } from '../api/firmware.ts'
import type { Finding } from '../api/settings.ts'
import type { Broker } from '../broker/broker.ts'
import { findings as known } from '../contract/findings.ts'
import { type Fleet, openUpdates, type Updates } from '../fleet/fleet.ts'
import type { Clock } from '../kit/clock.ts'
import { openImageFolder } from '../store/images/folder.ts'
import type { Records } from '../store/records.ts'
import { openFirmwareKeys } from './firmware-keys.ts'
import type { Lan } from './lan.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'

const roomBytes = 1024 * 1024 * 1024

/** What doctor finds of them, too. */
export type JoinedUpdates = Updates & { findings(): Finding[] }

/** Updates, joined to what they need: images in DATA/firmware, the key, and where each node reaches HTTPS. */
export async function joinUpdates(parts: {
  readonly settings: Settings
  readonly fleet: Fleet
  readonly records: Records
  readonly broker: Pick<Broker, 'localAddress'>
  readonly lan: Pick<Lan, 'httpsFor'>
  readonly clock: Clock
  readonly log: Log
}): Promise<JoinedUpdates> {
  const { settings, broker, lan, log } = parts
  const { data } = settings.current
  const dir = join(data, 'firmware')
  const images = await openImageFolder({ dir, largestBytes: largestImageBytes, roomBytes, onDamage: detail => log.error(detail) })
  const onMade = (file: string): void =>
    log.warn(`made the key that signs firmware: ${file}. Keep a copy elsewhere: nodes take updates from this key alone`)
  const updates = await openUpdates({
    ...parts,
    images,
    keys: openFirmwareKeys(data, () => settings.current.firmwareKey, onMade),
    random: bytes => void randomFillSync(bytes),
    address: node => lan.httpsFor(broker.localAddress?.(node) ?? null),
  })
  const findings = (): Finding[] => {
    const count = updates.images().length
    if (count === 0 || lan.httpsFor(null) !== null) return []
    const what = `${count} ${count === 1 ? 'image' : 'images'} of firmware, and no HTTPS listener`
    return [
      { code: 'firmware_unreachable', severity: 'warning', subject: 'firmware', what, fix: known.firmware_unreachable.mend },
    ]
  }
  return { ...updates, findings }
}
