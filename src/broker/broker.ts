/** broker: the port to MQTT. Messages come in by groups and are acknowledged to their clients only after `accept` has answered;
 *  messages of the manager go out, with evidence of what reached a node. It promises order for each publisher and topic; it never
 *  judges a payload (ingest does) and never drops a message in silence (what a full queue loses is counted by session). */
export interface Broker {
  readonly kind: 'embedded' | 'mosquitto'
  /** Publishes as the manager. Resolves when the broker has taken it (embedded: routed; mosquitto: its PUBACK). */
  publish(message: Outgoing): Promise<void>
  /** Publishes a command's payload to the node's command topic, QoS 1, not retained. `evidence` is called at most once for each
   *  kind, maybe never: `write` (handed to the socket of a QoS 0 subscription), `puback` (the node's own subscription
   *  acknowledged it; mosquitto: the broker did). */
  sendCommand(node: string, payload: Uint8Array, evidence: (kind: 'write' | 'puback') => void): Promise<void>
  /** Can a command reach the node now? Embedded: its own connection holds a subscription to its command topic (wire contract §5).
   *  mosquitto: always true while connected. */
  reachable(node: string): boolean
  /** The address of this machine that the node's own connection goes to; null: it has none. Absent where the broker doesn't tell. */
  localAddress?(node: string): string | null
  /** Cuts the node's own connection as a bad network would: its last will is published. false: there is none, or it can't be done.
   *  mosquitto: by a connection under the node's client id, where the broker lets the manager have it. */
  cut(node: string): Promise<boolean>
  /** How often our session was new though we had had one before. Absent where there is no session. */
  sessionsLost?(): number
  health(): BrokerHealth
  /** Stops reading, lets groups in flight be accepted and acknowledged, closes every connection (wills are not published). */
  close(): Promise<void>
}

/** A message from a client, already permitted. */
export interface Incoming {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  /** The PUBLISH's own RETAIN flag. */
  readonly retain: boolean
  /** Delivered by a subscription with the retain flag: a replay, never from the embedded broker's own clients. */
  readonly replay: boolean
  /** Wall clock at arrival, Unix ms. */
  readonly arrived: number
  readonly client: string
  /** null = anonymous (role `local`). */
  readonly user: string | null
}

export interface Outgoing {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1
  readonly retain: boolean
}

/** What a broker needs from the manager. */
export interface BrokerHandlers {
  /** Takes a group in order of arrival; resolves when all of it is durable (it waits, however long, rather than reject).
   *  The next group is handed over only after that. */
  accept(group: readonly Incoming[]): Promise<void>
  /** A packet over the size limit closed a connection: becomes a kept reject `packet_too_large`. */
  oversize(notice: { client: string | null; user: string | null; size: number; arrived: number }): void
  /** A node can be reached by commands from now on (or no longer). */
  reachability(node: string, reachable: boolean): void
  authenticate(credentials: Credentials): Promise<Identity | null>
}

export interface Credentials {
  readonly user: string
  readonly password: Uint8Array
  readonly address: string
  /** The client certificate of a TLS connection, already found to be signed by the own CA and in its time. Then this alone is the
   *  credential (wire contract §1): `user` is its common name, `password` empty, whatever the CONNECT said. */
  readonly certificate?: ClientCertificate
}

export interface ClientCertificate {
  readonly cn: string
  /** Hexadecimal, upper case. */
  readonly serial: string
  /** SHA-256: hexadecimal, upper case, with colons. */
  readonly fingerprint: string
}

/** Who a connection is. Roles and what they may do: `broker/embedded/permissions.ts`. */
export type Identity =
  | { readonly role: 'local'; readonly user: null }
  | { readonly role: 'node'; readonly user: string }
  | { readonly role: 'service'; readonly user: string }

/** Something a person may want to mend, told as it happens. `address`: host and port of the client's socket. */
export type BrokerNotice =
  /** Not let in. `user` and `client` as it gave them, null where it came no further. */
  | {
      readonly kind: 'refused'
      readonly why: Refusal
      readonly user: string | null
      readonly client: string | null
      readonly address: string
      /** What exactly was found, where there is more to say than `why` does. */
      readonly got: string | null
    }
  /** It may not publish there (acknowledged, not forwarded), or not subscribe to that (0x80). */
  | {
      readonly kind: 'denied'
      readonly action: 'publish' | 'subscribe'
      readonly identity: Identity
      readonly client: string
      readonly address: string | null
      readonly topic: string
      /** Of a publish. A view into the socket's buffer: copy what is to be kept. */
      readonly payload: Uint8Array | null
    }
  /** A connection with the same client id threw out one that was still open. */
  | {
      readonly kind: 'takeover'
      readonly identity: Identity
      readonly client: string
      readonly address: string
      readonly before: string
    }
  /** A service published under the root, on a topic that means nothing here. */
  | {
      readonly kind: 'unrouted'
      readonly identity: Identity
      readonly client: string
      readonly address: string
      readonly topic: string
      readonly payload: Uint8Array
    }
  /** A line on a node's log topic, which is no event. */
  | {
      readonly kind: 'log'
      readonly node: string
      readonly user: string | null
      readonly payload: Uint8Array
      readonly arrived: number
    }

/** `credentials`: wrong user name, password or certificate. `anonymous`: none given where they are wanted. `client_id`: too long, or none
 *  for a session that is to last. `version`: another MQTT than 3.1.1 and 3.1. `tls`: the handshake failed. `tls_on_plain`: it began one
 *  on a listener without TLS. */
export type Refusal = 'credentials' | 'anonymous' | 'client_id' | 'version' | 'tls' | 'tls_on_plain'

export interface BrokerHealth {
  readonly up: boolean
  readonly detail: string
  readonly version: string
  readonly listeners: readonly { readonly host: string; readonly port: number; readonly tls: boolean; readonly auth: string }[]
  /** Denied publishes and subscriptions by user (`anonymous` for none). */
  readonly denied: Readonly<Record<string, number>>
  /** Totals since start; the manager makes rates of them. null where the broker does not tell. */
  readonly messagesIn: number | null
  readonly messagesOut: number | null
  readonly bytesIn: number | null
  readonly bytesOut: number | null
  readonly clients: number | null
  readonly subscriptions: number | null
  readonly retained: number | null
  readonly queued: number | null
  readonly inflight: number | null
  /** Messages dropped from full queues or past unsent bounds, all sessions. */
  readonly droppedTotal: number | null
}
