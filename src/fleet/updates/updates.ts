import type { CommandView } from '../../api/commands.ts'
import type { FirmwareAdded, FirmwareKey, FirmwareUpload, FirmwareView, UpdateRequest } from '../../api/firmware.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Images } from '../../store/images.ts'
import type { Records } from '../../store/records.ts'
import type { Fleet } from '../fleet.ts'

/** updates: images of firmware in, signed; commands for single nodes out, each with an address that opens its image until the update is
 *  over. It promises that an image is what its marker says, that every signature kept was verified, and that no view, event or log
 *  shows a token. It never believes a node's word that it is done (commands/proof.ts) and never serves anything itself. */
export interface Updates {
  /** By board, the highest version first. */
  images(): FirmwareView[]
  /** Made at the first use; unless `make` is false. */
  key(make: boolean): Promise<UpdateResult<FirmwareKey>>
  /** The same bytes under the same names again change nothing. */
  add(upload: FirmwareUpload, pieces: AsyncIterable<Uint8Array>): Promise<UpdateResult<FirmwareAdded>>
  remove(sha256: string): Promise<UpdateResult<FirmwareView>>
  start(node: string, request: UpdateRequest, by: string): Promise<UpdateResult<CommandView>>
  /** The image, if this token opens it now; null is counted. */
  opened(sha256: string, token: string): FirmwareView | null
  /** Its bytes from `from` up to and without `to`. */
  read(sha256: string, from: number, to: number): AsyncIterable<Uint8Array>
  /** Requests for images that were refused since the start. */
  refused(): number
}

export type UpdateRefusal =
  | 'no_such_node'
  | 'no_such_image'
  | 'no_such_key'
  | 'bad_input'
  | 'too_large'
  /** Something about the server is missing: HTTPS, the key. */
  | 'not_set_up'
  /** The state of the node, or what is kept already, does not allow it. */
  | 'conflict'
  | 'queue_full'

export type UpdateResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: UpdateRefusal; readonly at?: string; readonly detail: string; readonly allowed?: string }

/** The key that images are signed with. */
export interface FirmwareKeys {
  /** Makes one if there never was any. `made`: the file, if it was just now. Rejects with KeyAway. */
  open(): Promise<OpenedKey>
  /** Was there ever one? */
  exists(): Promise<boolean>
  /** The public key, as `open` would give it, of a key whose private half is elsewhere; from the first image it signed. */
  adopt(publicKey: string): Promise<void>
}

export interface OpenedKey {
  readonly publicKey: string
  /** null: its private half is not here. */
  readonly sign: ((text: string) => string) | null
  readonly made: string | null
}

/** The key is configured to be elsewhere and is not there, or it is no key. */
export class KeyAway extends Error {}

export interface UpdatesParts {
  readonly fleet: Pick<Fleet, 'node' | 'described' | 'commands'>
  readonly images: Images
  readonly keys: FirmwareKeys
  /** Commands of an earlier run are looked up there. */
  readonly records: Pick<Records, 'list'>
  readonly clock: Clock
  readonly random: (bytes: Uint8Array) => void
  /** Where this node fetches over HTTPS, by a name that is in the certificate; null: there is no such listener. */
  readonly address: (node: string) => { readonly host: string; readonly port: number } | null
}
