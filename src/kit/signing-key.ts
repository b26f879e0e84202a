import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { replaceFile } from './durable-file.ts'

/** ECDSA P-256 with SHA-256, as nodes check it (wire contract §6). Keys and signatures leave as base64 of their DER. */
export interface SigningKey {
  /** SubjectPublicKeyInfo. */
  readonly publicKey: string
  sign(text: string): string
}

/** The key is none, or none of ours. The message says what was found and what is wanted. */
export class BadKey extends Error {}

const curve = 'prime256v1'
const wanted = 'a private key of ECDSA P-256 in PEM, without a passphrase (openssl ecparam -name prime256v1 -genkey -noout)'

export function readSigningKey(pem: string, where: string): SigningKey {
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    throw new BadKey(`${where} holds no key that can be read; wanted: ${wanted}`)
  }
  if (!isP256(key)) throw new BadKey(`${where} holds a key of another kind; wanted: ${wanted}`)
  return {
    publicKey: createPublicKey(key).export({ type: 'spki', format: 'der' }).toString('base64'),
    sign: text => sign('sha256', Buffer.from(text), key).toString('base64'),
  }
}

/** The key in a file; null: there is no such file. Rejects with BadKey. */
export async function signingKeyIn(file: string): Promise<SigningKey | null> {
  const pem = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  return pem === null ? null : readSigningKey(pem, file)
}

/** A new key in a file of its own (0600; a folder that is made for it: 0700). */
export async function makeSigningKeyIn(file: string): Promise<SigningKey> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: curve })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await replaceFile(file, pem)
  return readSigningKey(pem, file)
}

/** Is this signature of that text, by this key? False too for what is no key or no signature. */
export function signatureHolds(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' })
    return isP256(key) && verify('sha256', Buffer.from(text), key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

/** By it people tell keys apart: SHA-256 of the public key, hexadecimal. */
export const keyFingerprint = (publicKey: string): string =>
  createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex')

const isP256 = (key: KeyObject): boolean => key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve
