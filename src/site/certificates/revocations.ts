import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../../kit/durable-file.ts'
import type { Authority } from './authority.ts'
import { type Keys, signingAlgorithm } from './certify.ts'
import { readIfThere } from './files.ts'
import { type Life, listDue, listLife, type Moment } from './validity.ts'
import * as x509 from './x509.ts'

/** The revocation list on disk, DATA/ca/crl.pem: for brokers that read one (mosquitto's `crlfile`). */
export interface Revocations {
  readonly serials: ReadonlyMap<string, Date>
  readonly life: Life
  readonly number: number
}

const crlNumberOid = '2.5.29.20'
const reason = x509.X509CrlReason.cessationOfOperation

/** Reads it; null where there is none of this CA. A damaged one is set aside and told: who keeps the identities revokes anew. */
export async function readRevocations(dir: string, ca: Authority, tell: (trouble: string) => void): Promise<Revocations | null> {
  const file = join(dir, 'crl.pem')
  const text = await readIfThere(file)
  if (text === null) return null
  try {
    const list = new x509.X509Crl(text)
    if (ca.keys && !(await list.verify({ publicKey: ca.keys.publicKey }))) throw new Error('another CA signed it')
    return {
      serials: new Map(list.entries.map(entry => [entry.serialNumber.toUpperCase(), entry.revocationDate])),
      life: { notBefore: list.thisUpdate, notAfter: list.nextUpdate ?? new Date(0) },
      number: numberOf(list),
    }
  } catch (error) {
    await rename(file, `${file}.damaged`)
    tell(`the revocation list ${file} was damaged (${(error as Error).message}) and is set aside as crl.pem.damaged`)
    return null
  }
}

export const revocationsDue = (list: Revocations, moment: Moment): boolean => listDue(list.life, moment)

/** Signs the list with these serials and writes it. */
export async function writeRevocations(
  dir: string,
  ca: Authority,
  caKeys: Keys,
  serials: ReadonlyMap<string, Date>,
  number: number,
  moment: Moment,
): Promise<Revocations> {
  const life = listLife(moment)
  const list = await x509.X509CrlGenerator.create({
    issuer: ca.name,
    signingKey: caKeys.privateKey,
    signingAlgorithm,
    thisUpdate: life.notBefore,
    nextUpdate: life.notAfter,
    // With a reason: without one the library writes an empty list of extensions, which RFC 5280 5.1 has no form for.
    entries: [...serials].map(([serialNumber, revocationDate]) => ({ serialNumber, revocationDate, reason })),
    extensions: [
      await x509.AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
      new x509.Extension(crlNumberOid, false, derInteger(number)),
    ],
  })
  // The library's own label is "CRL"; OpenSSL and mosquitto read only this one (RFC 7468 6).
  await replaceFile(join(dir, 'crl.pem'), `${x509.PemConverter.encode(list.rawData, 'X509 CRL')}\n`)
  return { serials, life, number }
}

/** RFC 5280 5.2.3: each list has a higher number than the one before. */
function numberOf(list: x509.X509Crl): number {
  const extension = list.extensions.find(one => one.type === crlNumberOid)
  const [, length = 0, ...digits] = new Uint8Array(extension?.value ?? new ArrayBuffer(0))
  return digits.slice(0, length).reduce((sum, digit) => sum * 256 + digit, 0)
}

/** DER: a four-byte integer with a zero in front where its first bit would make it negative. */
function derInteger(value: number): Uint8Array<ArrayBuffer> {
  const digits = [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]
  while (digits.length > 1 && digits[0] === 0 && digits[1]! < 128) digits.shift()
  if (digits[0]! >= 128) digits.unshift(0)
  return new Uint8Array([2, digits.length, ...digits])
}
