import type { FirmwareAdded, FirmwareUpload } from '../../api/firmware.ts'
import { boardPattern, type ImageIdentity, MarkerSearch, versionCharacters } from '../../contract/image.ts'
import { manifestText } from '../../contract/manifest.ts'
import { isVersion } from '../../contract/semver.ts'
import { keyFingerprint, signatureHolds } from '../../kit/signing-key.ts'
import { ImageTooLarge, NoRoomForImage, type ReceivedImage } from '../../store/images.ts'
import { KeyAway, type UpdateResult, type UpdatesParts } from './updates.ts'

/** Takes an image in: the bytes to the disk, what they say of themselves, the signature, then the record. */
export async function addImage(
  parts: Pick<UpdatesParts, 'images' | 'keys' | 'clock'>,
  upload: FirmwareUpload,
  pieces: AsyncIterable<Uint8Array>,
): Promise<UpdateResult<FirmwareAdded>> {
  const fault = faultOf(upload)
  if (fault !== null) return fault
  const search = new MarkerSearch()
  let received: ReceivedImage
  try {
    received = await parts.images.receive(through(pieces, piece => search.take(piece)))
  } catch (error) {
    if (error instanceof ImageTooLarge) return { ok: false, why: 'too_large', detail: error.message }
    if (error instanceof NoRoomForImage) return { ok: false, why: 'conflict', detail: error.message }
    throw error
  }
  try {
    const added = await judged(parts, upload, received, search.found())
    await received.discard() // nothing, if it was kept
    return added
  } catch (error) {
    await received.discard()
    if (error instanceof KeyAway) return { ok: false, why: 'not_set_up', detail: error.message }
    throw error
  }
}

async function judged(
  { images, keys, clock }: Pick<UpdatesParts, 'images' | 'keys' | 'clock'>,
  upload: FirmwareUpload,
  received: ReceivedImage,
  found: readonly ImageIdentity[],
): Promise<UpdateResult<FirmwareAdded>> {
  const { board, version } = upload
  const { size, sha256 } = received
  const contradiction = contradictionOf(upload, size, found)
  if (contradiction !== null) return contradiction
  const other = images.list().find(image => image.board === board && image.version === version && image.sha256 !== sha256)
  if (other !== undefined) {
    const detail = `version ${version} for ${board} is there already with other bytes (${other.sha256}); give the image a new version, or remove that one first`
    return { ok: false, why: 'conflict', detail }
  }
  const text = manifestText({ board, version, size, sha256 })
  if (upload.signature !== undefined && !signatureHolds(upload.public_key!, text, upload.signature))
    return bad('/signature', 'is not of this manifest by that key', 'what `espalier firmware add --key F` sends')
  // A key whose private half stays elsewhere becomes that of the place with its first image.
  if (upload.public_key !== undefined) await keys.adopt(upload.public_key)
  const own = await keys.open()
  if (upload.signature === undefined && own.sign === null) {
    const detail = 'the key that signs is not on this machine; sign where it is: espalier firmware add … --key F'
    return { ok: false, why: 'not_set_up', detail }
  }
  const publicKey = upload.public_key ?? own.publicKey
  const before = images.get(sha256)
  const sameKey = before?.key === keyFingerprint(publicKey)
  const signature = upload.signature ?? (sameKey ? before!.signature : own.sign!(text))
  const record = {
    board,
    version,
    size,
    sha256,
    signature,
    key: keyFingerprint(publicKey),
    added_at: before?.added_at ?? clock.wallMs(),
  }
  await received.keep(record)
  return { ok: true, value: { ...record, key_made: own.made, other_key: publicKey !== own.publicKey } }
}

function faultOf({ version, board, signature, public_key }: FirmwareUpload): UpdateResult<never> | null {
  if (!isVersion(version) || version.length > versionCharacters)
    return bad(
      '/version',
      `is ${JSON.stringify(version)}`,
      `SemVer of up to ${versionCharacters} characters, such as 1.4.2 or 1.5.0-rc.1`,
    )
  if (!boardPattern.test(board))
    return bad('/board', `is ${JSON.stringify(board)}`, '1 to 31 printable characters without space, such as esp32dev')
  if ((signature === undefined) !== (public_key === undefined))
    return bad('/signature', 'and public_key belong together', 'both or none')
  return null
}

/** The image itself has the last word on what it is. */
function contradictionOf(
  { version, board }: FirmwareUpload,
  size: number,
  found: readonly ImageIdentity[],
): UpdateResult<never> | null {
  if (size === 0) return bad('/', 'the image is empty', 'a file of firmware')
  const [inside, another] = found
  if (inside === undefined)
    return bad(
      '/',
      'the image does not say what it is: no node would take it',
      'firmware built on the espalier library (its ImageMarker)',
    )
  if (another !== undefined)
    return bad('/', `the image says two things: ${saying(inside)} and ${saying(another)}`, 'one ImageMarker in an image')
  if (inside.board !== board) return bad('/board', `is ${board}, but the image is ${saying(inside)}`, inside.board)
  if (inside.version !== version) return bad('/version', `is ${version}, but the image is ${saying(inside)}`, inside.version)
  return null
}

const saying = ({ board, version }: ImageIdentity): string => `version ${version} for ${board}`

const bad = (at: string, detail: string, allowed: string): UpdateResult<never> => ({
  ok: false,
  why: 'bad_input',
  at,
  detail,
  allowed,
})

async function* through(pieces: AsyncIterable<Uint8Array>, look: (piece: Uint8Array) => void): AsyncGenerator<Uint8Array, void> {
  for await (const piece of pieces) {
    look(piece)
    yield piece
  }
}
