import { createHash, createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { replaceFile } from '../../kit/durable-file.ts'
import { certify, type Keys, makeKeys, signingKey } from './certify.ts'
import { readIfThere } from './files.ts'
import { caLife, type Moment } from './validity.ts'
import * as x509 from './x509.ts'

/** The own CA. `keys` null: it is still what boards trust, but it can't sign any more; `trouble` says why and what to do. */
export interface Authority {
  readonly pem: string
  readonly certificate: X509Certificate
  /** As the library writes it: the issuer of what it signs. */
  readonly name: string
  readonly keys: Keys | null
  readonly trouble: string | null
}

/** Opens DATA/ca, makes the CA at the first time. Boards keep its certificate for years, so what stands there is never replaced:
 *  a lost certificate is made again from its key (same name, same key: what trusted the old one trusts it), a lost key is told. */
export async function openAuthority(dir: string, moment: Moment): Promise<Authority> {
  const files = { pem: join(dir, 'ca.pem'), key: join(dir, 'ca-key.pem') }
  const [pem, keyText] = [await readIfThere(files.pem), await readIfThere(files.key)]
  const certificate = caCertificate(pem)
  const key = keyText === null ? null : p256Key(keyText)
  if (certificate !== null && key !== null && certificate.checkPrivateKey(key)) return authority(pem!, key, null)
  if (certificate !== null) return authority(pem!, null, keyTrouble(files.key, keyText, key))
  if (pem === null && keyText === null) return makeAuthority(files, moment)
  if (key !== null) return makeCertificate(files.pem, key, moment)
  throw new Error(`${files.pem} and ${files.key} are both missing or damaged. ${wayOut}`)
}

const wayOut =
  'Restore the folder from a backup, or move it away: a new CA is made then, and every board and phone has to be given the new ca.pem'

function keyTrouble(file: string, text: string | null, key: KeyObject | null): string {
  const what = text === null ? 'is missing' : key === null ? 'is damaged' : 'belongs to another CA'
  return `the CA's key ${file} ${what}: no certificate can be made or renewed. ${wayOut}`
}

async function makeAuthority(files: { pem: string; key: string }, moment: Moment): Promise<Authority> {
  const { pem } = await makeKeys()
  // The key first: from it the certificate can be made again, not the other way round.
  await replaceFile(files.key, pem)
  return makeCertificate(files.pem, createPrivateKey(pem), moment)
}

async function makeCertificate(file: string, key: KeyObject, moment: Moment): Promise<Authority> {
  const keys = await signingKey(key)
  const name = nameOf(key)
  const pem = await certify({
    subject: name,
    publicKey: keys.publicKey,
    issuer: name,
    issuerKeys: keys,
    life: caLife(moment),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  await replaceFile(file, pem)
  return authority(pem, key, null)
}

async function authority(pem: string, key: KeyObject | null, trouble: string | null): Promise<Authority> {
  return {
    pem,
    certificate: new X509Certificate(pem),
    name: new x509.X509Certificate(pem).subject,
    keys: key && (await signingKey(key)),
    trouble,
  }
}

/** Two houses on one LAN have CAs that people can tell apart, and the name follows from the key. */
function nameOf(key: KeyObject): string {
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  return `CN=Espalier CA ${createHash('sha256').update(spki).digest('hex').slice(0, 8)}, O=Espalier`
}

function caCertificate(pem: string | null): X509Certificate | null {
  try {
    const certificate = new X509Certificate(pem ?? '')
    return certificate.ca ? certificate : null
  } catch {
    return null
  }
}

function p256Key(text: string): KeyObject | null {
  try {
    const key = createPrivateKey(text)
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : null
  } catch {
    return null
  }
}
