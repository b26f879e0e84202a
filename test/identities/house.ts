import { mkdtemp, rm } from 'node:fs/promises'
import { connect as connectTcp, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { onTestFinished } from 'vitest'
import type { CertificateCredential, Credential } from '../../src/api/identities.ts'
import { type EmbeddedBroker, openEmbeddedBroker } from '../../src/broker/embedded/embedded.ts'
import { contractPermissions } from '../../src/broker/embedded/permissions.ts'
import type { JournalEvent } from '../../src/contract/events.ts'
import type { Fleet, IdentityResult, UnclaimedPolicy } from '../../src/fleet/fleet.ts'
import { openFleet } from '../../src/fleet/open.ts'
import { type Lane, openLane } from '../../src/ingest/ingest.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { createLedger } from '../../src/ledger/create.ts'
import { authenticator, identitySources, liveSessions } from '../../src/manager/identities.ts'
import { openCertificates } from '../../src/site/site.ts'
import { createMemoryReadings } from '../../src/store/memory/readings.ts'
import { createMemoryRecords } from '../../src/store/memory/records.ts'
import type { Records } from '../../src/store/records.ts'
import { connectPacket, RawClient, type RawOptions } from '../broker/client.ts'
import { HeldJournal } from '../ingest/lane-world.ts'

/** The rooms that decide who may do what, joined as the manager joins them: identities and fleet, lane, own CA, and the embedded
 *  broker on a plain and a TLS port of the loopback. Journal, store and records are in memory. */
export interface House {
  readonly broker: EmbeddedBroker
  readonly fleet: Fleet
  readonly lane: Lane
  readonly journal: HeldJournal
  readonly records: Records
  readonly ca: string
  readonly ports: { readonly plain: number; readonly tls: number }
  readonly managerSecret: string
  policy: UnclaimedPolicy
  /** Adds a node as the API does. */
  add(id: string, cert?: boolean): Promise<Credential>
  remove(id: string): Promise<boolean>
  /** Every event that became durable. */
  events(): JournalEvent[]
  /** A client with this credential, from an address of its own on the loopback if one is given. Answers with CONNACK's code; -1 when
   *  the connection ended without one. */
  connect(credential: Credential | null, options?: ConnectOptions): Promise<{ client: RawClient; code: number }>
  /** The same before its first packet. */
  open(credential: Credential | null, options?: ConnectOptions): Promise<RawClient>
}

export interface ConnectOptions extends Omit<RawOptions, 'port'> {
  /** Failed log-ins are slowed down by address; a test of many needs many. */
  readonly from?: string
  /** A TLS session to resume. */
  readonly session?: Buffer
}

export interface HouseOptions {
  readonly policy?: UnclaimedPolicy
  readonly sim?: number
  readonly records?: Records
}

const managerSecret = 'the secret of the manager'
/** Sees everything, with any password: the test's own eye. */
export const watcher = '_watcher'

export async function openHouse(options: HouseOptions = {}): Promise<House> {
  const records = options.records ?? createMemoryRecords()
  const ledger = createLedger()
  const journal = new HeldJournal()
  const store = createMemoryReadings()
  const dir = await mkdtemp(join(tmpdir(), 'espalier-identities-'))
  const certificates = await openCertificates({
    dir,
    clock: systemClock,
    clockSuspect: () => false,
    names: () => ({ dns: ['localhost'], ips: ['127.0.0.1'] }),
    onTrouble: sentence => {
      throw new Error(sentence)
    },
  })
  const server = certificates.server()
  let policy = options.policy ?? 'accept'
  let tlsPort = 0
  const fleet = await openFleet({
    records,
    ledger,
    clock: systemClock,
    identities: {
      ...identitySources({ sim: options.sim ?? 0, unclaimed: policy, broker: 'embedded' }),
      policy: () => policy,
      issuer: () => certificates,
      mqttsPort: () => tlsPort,
    },
    onProblem: sentence => {
      throw new Error(sentence)
    },
  })
  const { identities } = fleet
  const lane = openLane({
    journal,
    ledger,
    store,
    appliers: [store, fleet],
    clock: systemClock,
    ackMatches: (node, ack) => fleet.commands.matches(node, ack),
    clockSuspect: () => false,
    removed: node => fleet.removed(node),
    unclaimed: node => identities.quarantines(node),
  })
  const table = contractPermissions('iot', node => identities.refuses(node))
  const logIn = authenticator({ managerSecret }, identities)
  const broker = await openEmbeddedBroker(
    {
      listeners: [
        { host: '127.0.0.1', port: 0, anonymous: true },
        { host: '127.0.0.1', port: 0, anonymous: false, tls: { cert: server.cert, key: server.key, ca: certificates.ca.pem } },
      ],
      permissions: {
        publish: table.publish,
        subscribe: (identity, filter) => identity.user === watcher || table.subscribe(identity, filter),
        receive: (identity, topic) => identity.user === watcher || table.receive(identity, topic),
      },
      clock: systemClock,
      version: 'test',
    },
    {
      accept: group => lane.accept(group),
      oversize: notice => lane.oversize(notice),
      reachability: (node, reachable) => fleet.reachability(node, reachable),
      authenticate: async shown => (shown.user === watcher ? { role: 'service', user: watcher } : logIn(shown)),
    },
  )
  tlsPort = broker.ports[1]!
  fleet.sendThrough(broker)
  identities.disconnectThrough(liveSessions(broker, lane, systemClock))
  onTestFinished(async () => {
    await broker.close()
    await lane.close()
    await fleet.close()
    await rm(dir, { recursive: true, force: true })
  })

  const open: House['open'] = async (credential, how = {}) => {
    const certified = credential !== null && 'cert' in credential
    return new RawClient(await (certified ? overTls(credential, tlsPort, how) : overTcp(broker.ports[0]!, how)), how.auto)
  }

  return {
    broker,
    fleet,
    lane,
    journal,
    records,
    ca: certificates.ca.pem,
    ports: { plain: broker.ports[0]!, tls: tlsPort },
    managerSecret,
    get policy() {
      return policy
    },
    set policy(next) {
      policy = next
    },
    add: async (id, cert = false) => value(await lane.between(() => identities.add({ id, cert }))),
    remove: id => lane.between(() => fleet.remove(id)),
    events: () => journal.batches.flatMap(batch => [...batch.events]),
    open,
    async connect(credential, connectOptions = {}) {
      const client = await open(credential, connectOptions)
      client.send(
        connectPacket({
          ...connectOptions,
          ...(credential !== null &&
            'password' in credential && { username: credential.username, password: credential.password }),
        }),
      )
      const connack = await client.expect('connack').catch(() => null)
      return { client, code: connack === null ? -1 : (connack.returnCode ?? 0) }
    },
  }
}

export function value<T>(result: IdentityResult<T>): T {
  if (!result.ok) throw new Error(`${result.why}: ${result.detail}`)
  return result.value
}

/** What the server gave each client to resume its TLS session with. */
const tickets = new WeakMap<Socket, Buffer>()
export const ticketOf = (client: RawClient): Buffer | undefined => tickets.get(client.socket)

function overTcp(port: number, { from }: ConnectOptions) {
  return new Promise<Socket>((resolve, reject) => {
    const socket = connectTcp({ port, host: '127.0.0.1', noDelay: true, ...(from && { localAddress: from }) })
    socket.once('connect', () => resolve(socket))
    socket.once('error', reject)
  })
}

/** Resolves with the handshake, or with a socket that is closed because there was none. */
function overTls({ cert, key, ca }: CertificateCredential, port: number, { from, session }: ConnectOptions): Promise<TLSSocket> {
  return new Promise(resolve => {
    const lower = connectTcp({ port, host: '127.0.0.1', noDelay: true, ...(from && { localAddress: from }) })
    const socket = connectTls({ socket: lower, cert, key, ca, servername: 'localhost', ...(session && { session }) })
    socket.on('session', ticket => tickets.set(socket, ticket))
    socket.once('secureConnect', () => resolve(socket))
    socket.once('error', () => resolve(socket))
  })
}
