import { X509Certificate } from 'node:crypto'
import type { Authority } from './authority.ts'
import { certify, type Keys, makeKeys } from './certify.ts'
import { clientLife, type Moment } from './validity.ts'
import * as x509 from './x509.ts'

/** A board's credential. */
export interface ClientCertificate {
  readonly cert: string
  readonly key: string
  readonly ca: string
  readonly serial: string
  readonly fingerprint: string
  readonly expires: number
}

/** For clients only: it can't pose as a server towards other boards. */
export async function makeClientCertificate(ca: Authority, caKeys: Keys, id: string, moment: Moment): Promise<ClientCertificate> {
  const { keys, pem: key } = await makeKeys()
  const cert = await certify({
    subject: `CN=${id}`,
    publicKey: keys.publicKey,
    issuer: ca.name,
    issuerKeys: caKeys,
    life: clientLife(moment, Date.parse(ca.certificate.validTo)),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth]),
    ],
  })
  const { serialNumber, fingerprint256, validTo } = new X509Certificate(cert)
  return { cert, key, ca: ca.pem, serial: serialNumber, fingerprint: fingerprint256, expires: Date.parse(validTo) }
}
