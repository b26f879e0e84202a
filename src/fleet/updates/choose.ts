import type { CommandView } from '../../api/commands.ts'
import type { FirmwareView, UpdateRequest } from '../../api/firmware.ts'
import { compareVersions } from '../../contract/semver.ts'
import type { UpdateResult } from './updates.ts'

/** Which image a node gets, or why none. Pure. */
export interface Situation {
  readonly node: string
  /** What the node says of itself; null: it never did. */
  readonly board: string | null
  readonly version: string | null
  readonly confirmed: boolean | null
  readonly images: readonly FirmwareView[]
  /** Updates of this node so far, newest first. */
  readonly earlier: readonly CommandView[]
}

/** A reset of any kind rolls a trial back (wire contract §6), so one roll-back says little of an image; three say enough. */
const rollbacksAtMost = 3

export function choose(
  { node, board, version, confirmed, images, earlier }: Situation,
  { version: wanted, force }: UpdateRequest,
): UpdateResult<FirmwareView> {
  if (board === null)
    return conflict(`${node} does not say which board it is (board in its status), so no image can be chosen for it`)
  const image = images.find(image => image.board === board && image.version === wanted)
  if (image === undefined) return missing(node, board, wanted, images)
  const open = earlier.find(command => command.final_at === null)
  if (open !== undefined)
    return conflict(`${node} is being updated to ${open.params.version} already (command ${open.id}, ${open.state})`)
  if (force) return { ok: true, value: image }
  if (version === wanted && confirmed !== false)
    return conflict(`${node} runs ${wanted} already; with force it is installed once more`)
  const rollbacks = rollbacksOf(image, earlier)
  if (rollbacks >= rollbacksAtMost)
    return conflict(
      `${node} has gone back from this image ${rollbacks} times: it does not work there, or the supply is weak; look at its log, then offer it once more with force`,
    )
  return { ok: true, value: image }
}

function missing(node: string, board: string, wanted: string, images: readonly FirmwareView[]): UpdateResult<never> {
  const others = images.filter(image => image.version === wanted).map(image => image.board)
  if (others.length > 0)
    return conflict(`${node} is a ${board}, and ${wanted} is there for ${others.join(', ')} only; add an image for its board`)
  const there = images.filter(image => image.board === board).map(image => image.version)
  const detail = `no image of version ${wanted} for the board ${board}; there is ${there.join(', ') || 'none'}`
  return { ok: false, why: 'no_such_image', detail }
}

/** Since it last worked there. */
function rollbacksOf(image: FirmwareView, earlier: readonly CommandView[]): number {
  const offered = earlier.filter(({ params }) => params.sha256 === image.sha256)
  const worked = offered.findIndex(({ state }) => state === 'done')
  return offered.slice(0, worked < 0 ? undefined : worked).filter(({ error }) => error?.code === 'rolled_back').length
}

const conflict = (detail: string): UpdateResult<never> => ({ ok: false, why: 'conflict', detail })

/** By board, the highest version first. */
export const inOrder = (images: readonly FirmwareView[]): FirmwareView[] =>
  images.toSorted((a, b) => (a.board === b.board ? compareVersions(b.version, a.version) : a.board < b.board ? -1 : 1))
