/** What the identities need of whoever makes client certificates (src/site/certificates): `cert` and `key` of a new credential,
 *  handed out once, and the end of an old one. */
export interface CertificateIssuer {
  /** A client certificate whose common name is `id`. The key is kept nowhere. Rejects with a sentence for people when the own CA
   *  can't sign (its key is missing or damaged). */
  issue(id: string): Promise<IssuedCertificate>
  /** Puts the serial on the revocation list (DATA/ca/crl.pem), synced. May be called again for the same one. The list is for brokers
   *  that read it; the embedded broker asks the identities at each CONNECT. */
  revoke(serial: string): Promise<void>
}

export interface IssuedCertificate {
  /** PEM. */
  readonly cert: string
  /** PEM (PKCS #8). */
  readonly key: string
  /** PEM of the CA that signed it. */
  readonly ca: string
  /** Hexadecimal, upper case, as `Credentials.certificate` of the broker says it. */
  readonly serial: string
  /** SHA-256 of the certificate: hexadecimal, upper case, with colons, as in `Credentials.certificate`. */
  readonly fingerprint: string
  /** Unix ms. */
  readonly expires: number
}
