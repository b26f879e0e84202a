import type { ConnectInfo, Credential } from '../identities.ts'

/** What a sketch has to know: who it is, whom it talks to, and whom it trusts. CLI and console make the same text of it. */
export interface Board {
  readonly id: string
  readonly name: string | null
  readonly host: string
  readonly port: number
  /** PEM of the CA; null: without TLS. */
  readonly ca: string | null
  readonly proof:
    | { readonly kind: 'password'; readonly username: string; readonly password: string }
    | { readonly kind: 'certificate'; readonly cert: string; readonly key: string }
}

export interface Reachable {
  readonly host: string
  readonly port: number
  readonly ca: string | null
}

/** Where a board finds this house, with TLS unless there is none or `tls` is false; null when it can't that way. */
export function whereReachable({ host, mqtts_port, mqtt_port, ca }: ConnectInfo, tls: boolean): Reachable | null {
  if (tls && mqtts_port !== null) return { host, port: mqtts_port, ca }
  return mqtt_port === null ? null : { host, port: mqtt_port, ca: null }
}

export function boardOf(credential: Credential, name: string | null, { host, port, ca }: Reachable): Board {
  const { id } = credential
  if ('password' in credential) {
    const { username, password } = credential
    return { id, name, host, port, ca, proof: { kind: 'password', username, password } }
  }
  const { cert, key } = credential
  return { id, name, host, port, ca: ca ?? credential.ca, proof: { kind: 'certificate', cert, key } }
}

/** What a QR code holds: all that a board or a phone needs to connect, as JSON. null for a certificate: it is too much for one. */
export function qrText(credential: Credential, { host, port, ca }: Reachable, connect: ConnectInfo): string | null {
  if (!('password' in credential)) return null
  const { id, username, password } = credential
  return JSON.stringify({
    id,
    username,
    password,
    host,
    port,
    tls: ca !== null,
    ca_sha256: ca === null ? null : connect.ca_sha256,
  })
}
