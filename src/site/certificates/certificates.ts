import { mkdir } from 'node:fs/promises'
import type { Clock } from '../../kit/clock.ts'
import { type Authority, openAuthority } from './authority.ts'
import type { Keys } from './certify.ts'
import { type ClientCertificate, makeClientCertificate } from './client-certificate.ts'
import type { MachineNames } from './names.ts'
import { type Revocations, readRevocations, revocationsDue, writeRevocations } from './revocations.ts'
import {
  makeServerCertificate,
  readServerCertificate,
  type ServerCertificate,
  serverCertificateStands,
} from './server-certificate.ts'
import type { Moment } from './validity.ts'

export type { ServerCertificate } from './server-certificate.ts'

export interface CertificatesOptions {
  /** DATA/ca. */
  readonly dir: string
  readonly clock: Clock
  /** Is the wall clock not to be believed (wire contract §8)? */
  readonly clockSuspect: () => boolean
  /** The names of this moment: the server's certificate carries all of them. */
  readonly names: () => MachineNames
  /** What a person should know, once each; nothing secret. */
  readonly onTrouble: (sentence: string) => void
}

/** Nothing can be served with what stands in the folder; the message says what to do. */
export class CertificatesDamaged extends Error {
  override readonly name = 'CertificatesDamaged'
}

export interface Certificates {
  readonly ca: { readonly pem: string; readonly fingerprint: string; readonly expires: number }
  server(): ServerCertificate
  /** Looks at clock and names: makes the server's certificate and the revocation list anew where they are due. Answers whether the
   *  server has a new certificate. Never rejects: what can't be made is told, and what stands goes on. */
  check(): Promise<boolean>
  /** A client certificate with this common name; its key is kept nowhere. Rejects when the CA can't sign. */
  issue(id: string): Promise<ClientCertificate>
  /** Puts a serial on the revocation list; again is nothing new. Rejects when the CA can't sign. */
  revoke(serial: string): Promise<void>
}

/** Opens the folder, makes what is missing. Rejects with CertificatesDamaged. */
export async function openCertificates(options: CertificatesOptions): Promise<Certificates> {
  const { dir, clock, names } = options
  const moment = (): Moment => ({ wallMs: clock.wallMs(), suspect: options.clockSuspect() })
  const told = new Set<string>()
  const tell = (sentence: string): void => {
    if (!told.has(sentence)) options.onTrouble(sentence)
    told.add(sentence)
  }

  await mkdir(dir, { recursive: true, mode: 0o700 })
  const ca = await openAuthority(dir, moment()).catch(error => {
    throw new CertificatesDamaged((error as Error).message)
  })
  if (ca.trouble !== null) tell(ca.trouble)
  let server = await openServer(dir, ca, names(), moment())
  let list = await readRevocations(dir, ca, tell)

  /** One after the other: two lists written at once would lose a serial. */
  let last: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const mine = last.then(work)
    last = mine.catch(() => undefined)
    return mine
  }

  const writeList = async (serials: ReadonlyMap<string, Date>): Promise<Revocations> =>
    writeRevocations(dir, ca, able(ca), serials, (list?.number ?? 0) + 1, moment())

  const refresh = async (): Promise<boolean> => {
    if (ca.keys === null) return false
    if (list === null || revocationsDue(list, moment())) list = await writeList(list?.serials ?? new Map())
    if (serverCertificateStands(server, ca, names(), moment())) return false
    server = await makeServerCertificate(dir, ca, ca.keys, names(), moment())
    return true
  }
  const check = (): Promise<boolean> =>
    inTurn(refresh).catch(error => {
      tell(`certificates can't be renewed: ${(error as Error).message}`)
      return false
    })

  await check()
  return {
    ca: { pem: ca.pem, fingerprint: ca.certificate.fingerprint256, expires: Date.parse(ca.certificate.validTo) },
    server: () => server,
    check,
    issue: id => inTurn(() => makeClientCertificate(ca, able(ca), id, moment())),
    revoke: serial =>
      inTurn(async () => {
        const serials = list?.serials ?? new Map<string, Date>()
        if (serials.has(serial)) return
        list = await writeList(new Map([...serials, [serial, new Date(moment().wallMs)]]))
      }),
  }
}

function able(ca: Authority): Keys {
  if (ca.keys === null) throw new CertificatesDamaged(ca.trouble!)
  return ca.keys
}

async function openServer(dir: string, ca: Authority, names: MachineNames, moment: Moment): Promise<ServerCertificate> {
  const there = await readServerCertificate(dir, ca)
  return there ?? makeServerCertificate(dir, ca, able(ca), names, moment)
}
