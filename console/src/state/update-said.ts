import type { CommandView } from '../../../src/api/commands.ts'
import type { FirmwareView } from '../../../src/api/firmware.ts'
import { commandErrors } from '../../../src/contract/codes.ts'

/** What an update is at, in words. Pure. */
export interface UpdateSaid {
  readonly text: string
  readonly tone: 'info' | 'ok' | 'bad' | 'warn'
  /** 0 to 100 while it is under way; null: not known, or over. */
  readonly percent: number | null
  readonly underWay: boolean
  /** Why it did not work, and what to do. */
  readonly reason: string | null
}

export function saidOf({ state, progress, error, params }: CommandView): UpdateSaid {
  const version = String(params.version)
  const going = (text: string, percent: number | null = null): UpdateSaid => ({
    text,
    tone: 'info',
    percent,
    underWay: true,
    reason: null,
  })
  const over = (text: string, tone: 'ok' | 'bad' | 'warn', reason: string | null = null): UpdateSaid => ({
    text,
    tone,
    percent: null,
    underWay: false,
    reason,
  })
  switch (state) {
    case 'queued':
      return going(`${version} waits until the board can be reached`)
    case 'sent':
    case 'accepted':
      return going(`${version}: the board was told`)
    case 'running':
      if (progress === 100) return going(`${version} is fetched; the board starts it and has to prove itself`, 100)
      return going(`Fetching ${version}${progress === null ? '' : `: ${Math.round(progress)} %`}`, progress)
    case 'done':
      return over(`Updated to ${version}`, 'ok')
    case 'failed':
    case 'rejected':
      return over(`The update to ${version} failed`, 'bad', reasonOf(error))
    case 'cancelled':
      return over(`The update to ${version} was cancelled`, 'warn')
    case 'expired':
      return over(`The update to ${version} expired: the board could not be reached in time`, 'warn')
    case 'unknown':
      return over(`What became of the update to ${version} is not known: the board did not say in time`, 'warn')
  }
}

function reasonOf(error: CommandView['error']): string {
  if (error === null) return 'The board gave no reason.'
  const known = error.code in commandErrors ? commandErrors[error.code as keyof typeof commandErrors] : null
  return known === null ? error.message || error.code : `${known.sentence} ${known.mend}`
}

/** The images for this board, as the server lists them: the highest version first. */
export const imagesFor = (board: string | null, images: readonly FirmwareView[]): FirmwareView[] =>
  images.filter(image => image.board === board)
