import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { replaceFile } from '../../kit/durable-file.ts'
import type { Authority } from './authority.ts'
import { certify, type Keys, makeKeys } from './certify.ts'
import { readIfThere } from './files.ts'
import type { MachineNames } from './names.ts'
import { type Moment, serverDue, serverLife } from './validity.ts'
import * as x509 from './x509.ts'

/** The server's certificate with its key, as PEM; `expires` in Unix ms. */
export interface ServerCertificate {
  readonly cert: string
  readonly key: string
  readonly fingerprint: string
  readonly expires: number
}

/** The one on disk, if it is whole and of this CA; it may lack a name or be due. */
export async function readServerCertificate(dir: string, ca: Authority): Promise<ServerCertificate | null> {
  const [cert, key] = [await readIfThere(join(dir, 'server.pem')), await readIfThere(join(dir, 'server-key.pem'))]
  if (cert === null || key === null) return null
  try {
    const read = new X509Certificate(cert)
    // A crash between the two files leaves a certificate beside another one's key.
    const whole =
      read.checkPrivateKey(createPrivateKey(key)) && read.checkIssued(ca.certificate) && read.verify(ca.certificate.publicKey)
    return whole ? { cert, key, ...factsOf(read) } : null
  } catch {
    return null
  }
}

/** Is it still good for these names at this moment? */
export function serverCertificateStands(server: ServerCertificate, ca: Authority, names: MachineNames, moment: Moment): boolean {
  const read = new X509Certificate(server.cert)
  const life = { notBefore: new Date(read.validFrom), notAfter: new Date(read.validTo) }
  return (
    names.dns.every(name => read.checkHost(name, { wildcards: false }) !== undefined) &&
    names.ips.every(ip => read.checkIP(ip) !== undefined) &&
    !serverDue(life, moment, Date.parse(ca.certificate.validTo))
  )
}

/** Makes one and writes it; `keys`: those of the CA. */
export async function makeServerCertificate(
  dir: string,
  ca: Authority,
  caKeys: Keys,
  names: MachineNames,
  moment: Moment,
): Promise<ServerCertificate> {
  const { keys, pem: key } = await makeKeys()
  const cert = await certify({
    subject: `CN=${names.dns.find(name => name.length <= 64 && name !== 'localhost') ?? 'espalier'}, O=Espalier`,
    publicKey: keys.publicKey,
    issuer: ca.name,
    issuerKeys: caKeys,
    life: serverLife(moment, Date.parse(ca.certificate.validTo)),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        ...names.dns.map(value => ({ type: 'dns' as const, value })),
        ...names.ips.map(value => ({ type: 'ip' as const, value })),
      ]),
    ],
  })
  await replaceFile(join(dir, 'server-key.pem'), key)
  await replaceFile(join(dir, 'server.pem'), cert)
  return { cert, key, ...factsOf(new X509Certificate(cert)) }
}

const factsOf = (read: X509Certificate) => ({ fingerprint: read.fingerprint256, expires: Date.parse(read.validTo) })
