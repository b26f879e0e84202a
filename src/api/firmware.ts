import { type Static, Type } from 'typebox'
import { Count, Nullable, UnixMs } from './shapes.ts'

const Version = Type.String({ minLength: 1, maxLength: 43, description: 'SemVer, as the image itself says' })
const Board = Type.String({ minLength: 1, maxLength: 31, description: 'as the image itself says' })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** Ten slots of an ESP32 with 4 MB, or a build of the node for this machine with everything linked in. */
export const largestImageBytes = 16 * 1024 * 1024

/** An image of firmware that nodes can be updated to. */
export const FirmwareView = Type.Object({
  version: Version,
  board: Board,
  size: Count,
  sha256: Sha256,
  signature: Type.String({ description: 'ECDSA P-256 with SHA-256 over the manifest: DER, base64' }),
  key: Type.String({ description: 'SHA-256 of the public key it verifies with, hexadecimal' }),
  added_at: UnixMs,
})
export type FirmwareView = Static<typeof FirmwareView>

/** What an image is added as. Without a signature the server signs, with its own key; with one the public key belongs to it. */
export const FirmwareUpload = Type.Object(
  {
    version: Version,
    board: Board,
    signature: Type.Optional(Type.String({ maxLength: 200, pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'DER, base64' })),
    public_key: Type.Optional(
      Type.String({ maxLength: 400, pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'SubjectPublicKeyInfo, DER, base64' }),
    ),
  },
  { additionalProperties: false },
)
export type FirmwareUpload = Static<typeof FirmwareUpload>

export const FirmwareAdded = Type.Intersect([
  FirmwareView,
  Type.Object({
    key_made: Nullable(Type.String({ description: 'the file of the signing key, if this was its first use' })),
    other_key: Type.Boolean({ description: 'signed with another key than the one this server gives to nodes' }),
  }),
])
export type FirmwareAdded = Static<typeof FirmwareAdded>

/** The key that nodes are given, so that they can tell images of this place. */
export const FirmwareKey = Type.Object({
  public_key: Type.String({ description: 'SubjectPublicKeyInfo, DER, base64' }),
  sha256: Type.String({ description: 'of its DER, hexadecimal' }),
  private_here: Type.Boolean({ description: 'the server can sign with it' }),
})
export type FirmwareKey = Static<typeof FirmwareKey>

/** `expires` in seconds from now: what the whole update may take. */
export const UpdateRequest = Type.Object(
  {
    version: Version,
    force: Type.Optional(
      Type.Boolean({ description: 'also a lower version, the one that runs, or one that was rolled back before' }),
    ),
    expires: Type.Optional(Type.Number({ minimum: 60, maximum: 604_800, default: 1_800 })),
  },
  { additionalProperties: false },
)
export type UpdateRequest = Static<typeof UpdateRequest>
