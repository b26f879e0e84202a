import { createPublicKey, type KeyObject, randomBytes, webcrypto } from 'node:crypto'
import type { Life } from './validity.ts'
import * as x509 from './x509.ts'

/** Both halves, as WebCrypto has them. */
export type Keys = webcrypto.CryptoKeyPair

/** ECDSA on P-256 with SHA-256: what every TLS stack on a board knows, with small keys. */
export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const
export const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const

x509.cryptoProvider.set(webcrypto)

/** A fresh pair: the private half as PEM (PKCS #8), both as keys. */
export async function makeKeys(): Promise<{ keys: Keys; pem: string }> {
  const keys = (await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify'])) as Keys
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { keys, pem: `${x509.PemConverter.encode(der, 'PRIVATE KEY')}\n` }
}

/** A key read from a file, for signing; it must be on P-256. */
export async function signingKey(key: KeyObject): Promise<Keys> {
  const privateKey = await webcrypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), keyAlgorithm, true, [
    'sign',
  ])
  const spki = createPublicKey(key).export({ type: 'spki', format: 'der' })
  const publicKey = await webcrypto.subtle.importKey('spki', spki, keyAlgorithm, true, ['verify'])
  return { privateKey, publicKey } as Keys
}

/** 126 bits of chance; the first byte neither zero nor negative, so that everybody writes it with the same digits. */
export function newSerial(): string {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0]! & 0x3f) | 0x40
  return bytes.toString('hex').toUpperCase()
}

export interface CertificateOrder {
  readonly subject: string
  readonly publicKey: webcrypto.CryptoKey
  readonly issuer: string
  readonly issuerKeys: Keys
  readonly life: Life
  readonly extensions: readonly x509.Extension[]
}

/** Signs; subject and authority key ids are added (RFC 5280 4.2.1.1, 4.2.1.2). Answers with PEM. */
export async function certify(order: CertificateOrder): Promise<string> {
  const { subject, publicKey, issuer, issuerKeys, life, extensions } = order
  const certificate = await x509.X509CertificateGenerator.create({
    subject,
    issuer,
    publicKey,
    signingKey: issuerKeys.privateKey,
    signingAlgorithm,
    serialNumber: newSerial(),
    ...life,
    extensions: [
      ...extensions,
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuerKeys.publicKey),
    ],
  })
  return `${certificate.toString('pem')}\n`
}
