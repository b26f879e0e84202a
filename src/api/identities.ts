import { type Static, Type } from 'typebox'
import { nodeIdPattern } from '../contract/topics.ts'
import { Nullable, UnixMs } from './shapes.ts'

/** POST /api/nodes, `espalier node add`: an identity for a board. `cert`: a client certificate in place of a password. */
export const NodeAddition = Type.Object(
  {
    id: Type.String({ pattern: nodeIdPattern.source, description: "the node's id: its user name and its place in topics" }),
    name: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    cert: Type.Optional(Type.Boolean({ default: false })),
  },
  { additionalProperties: false },
)
export type NodeAddition = Static<typeof NodeAddition>

/** POST /api/nodes/{id}/rotate. `cert`: which kind the new credential is; default: the kind it has. `grace`: for so many seconds the old
 *  one stays valid beside it, or until the new one was first used; default: not at all. */
export const NodeRotation = Type.Object(
  {
    cert: Type.Optional(Type.Boolean()),
    grace: Type.Optional(Type.Integer({ minimum: 0, maximum: 604_800, description: 'seconds the old one stays valid; 0: none' })),
  },
  { additionalProperties: false },
)
export type NodeRotation = Static<typeof NodeRotation>

export const PasswordCredential = Type.Object({ id: Type.String(), username: Type.String(), password: Type.String() })
export type PasswordCredential = Static<typeof PasswordCredential>

/** PEM texts; `port` is the TLS listener's, 0 while there is none. */
export const CertificateCredential = Type.Object({
  id: Type.String(),
  cert: Type.String(),
  key: Type.String(),
  ca: Type.String(),
  port: Type.Integer(),
})
export type CertificateCredential = Static<typeof CertificateCredential>

/** Shown once: of a password only a hash is kept, of a key nothing. */
export const Credential = Type.Union([PasswordCredential, CertificateCredential])
export type Credential = Static<typeof Credential>

/** GET /api/identities: who may connect, and with what; never a secret. `revoked`: null while it may. `grace_until`: so long the credential
 *  before the last rotation is valid too, unless the new one is used first; null: it is not. */
export const IdentityView = Type.Object({
  id: Type.String(),
  kind: Type.Union([Type.Literal('password'), Type.Literal('certificate')]),
  created: UnixMs,
  rotated: Nullable(UnixMs),
  revoked: Nullable(UnixMs),
  grace_until: Nullable(UnixMs),
  expires: Nullable(UnixMs),
  last_connected: Nullable(UnixMs),
  connected: Type.Boolean(),
})
export type IdentityView = Static<typeof IdentityView>

/** GET /api/connect: what a board needs besides its credential, for sketches. `host` is the name or address boards reach this
 *  machine by; a port is null where nothing listens beyond the loopback. `ca` is PEM. */
export const ConnectInfo = Type.Object({
  host: Type.String(),
  mqtts_port: Nullable(Type.Integer()),
  mqtt_port: Nullable(Type.Integer()),
  ca: Nullable(Type.String()),
  ca_sha256: Nullable(Type.String()),
})
export type ConnectInfo = Static<typeof ConnectInfo>
