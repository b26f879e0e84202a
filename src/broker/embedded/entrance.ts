import type { Clock } from '../../kit/clock.ts'
import type { BrokerHandlers, Credentials, Identity } from '../broker.ts'
import { connackCode } from '../wire/packets.ts'
import type { ConnectRequest } from './guard.ts'
import type { Arrival } from './listener.ts'
import { Logins } from './logins.ts'

/** Who a connection is from now on. `key` is unique among all sessions, `client` is what people are shown. */
export interface Name {
  readonly identity: Identity
  readonly key: string
  readonly client: string
}

type Shown = Pick<Arrival, 'anonymous' | 'certificate' | 'foreign'>

/** Judges CONNECTs: credentials, then the name. */
export class Entrance {
  private readonly authenticate: BrokerHandlers['authenticate']
  private readonly logins: Logins
  private readonly clientIdBytes: number
  private unnamed = 0

  constructor(authenticate: BrokerHandlers['authenticate'], clock: Clock, clientIdBytes: number) {
    this.authenticate = authenticate
    this.logins = new Logins(clock)
    this.clientIdBytes = clientIdBytes
  }

  /** A name, or the CONNACK code of the refusal. `anonymous`: this listener lets in who gives no user name, as role `local`. A client
   *  certificate is a credential of its own: user name and password are then ignored (wire contract §1). */
  async judge(request: ConnectRequest, address: string, shown: Shown): Promise<Name | number> {
    const { anonymous, certificate, foreign } = shown
    if (foreign !== null) return connackCode.notAuthorized
    if (certificate !== null) {
      const identity = await this.logIn({ user: certificate.cn, password: new Uint8Array(0), address, certificate })
      return identity === null ? connackCode.notAuthorized : this.name(request, identity)
    }
    if (request.user === null) return anonymous ? this.name(request, { role: 'local', user: null }) : connackCode.notAuthorized
    const identity = await this.logIn({ user: request.user, password: request.password ?? new Uint8Array(0), address })
    return identity === null ? connackCode.badCredentials : this.name(request, identity)
  }

  private async logIn(credentials: Credentials): Promise<Identity | null> {
    const { address } = credentials
    // Asked first (0.1 ms): a guesser behind the same address must not lock the boards of a house out.
    const identity = await this.authenticate(credentials)
    if (identity !== null || !this.logins.mayWait(address)) return identity
    const late = this.logins.failed(address)
    if (late > 0) await new Promise(resolve => setTimeout(resolve, late).unref())
    this.logins.answered(address)
    return null
  }

  /** A node's client id is its user name, whatever it says; a service's stands under its user name, so that two tools don't throw
   *  each other out; anonymous ones have a room of their own. */
  private name(request: ConnectRequest, identity: Identity): Name | number {
    const { role, user } = identity
    if (role === 'node') return { identity, key: user, client: user }
    const { clientId, clean } = request
    // No id, and a session to keep under it [MQTT-3.1.3-8].
    if ((clientId === '' && !clean) || Buffer.byteLength(clientId) > this.clientIdBytes) return connackCode.badClientId
    const given = clientId === '' ? `unnamed-${++this.unnamed}` : clientId
    const client = role === 'service' ? `${user}:${given}` : given
    // A slash is in no node's id and in no service's name, so no two kinds of key can be equal.
    return { identity, client, key: `${role === 'service' ? user : 'local'}/${clientId === '' ? 'unnamed' : 'id'}/${given}` }
  }
}
