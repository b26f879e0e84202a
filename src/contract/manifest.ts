/** What a signature of firmware is made over (wire contract §6): these lines, each ended by a newline, as UTF-8. ECDSA P-256 with
 *  SHA-256; the signature travels as DER in base64. */
export interface Manifest {
  readonly board: string
  /** SemVer. */
  readonly version: string
  /** Bytes. */
  readonly size: number
  /** 64 hexadecimal digits, lower case. */
  readonly sha256: string
}

export const manifestText = ({ board, version, size, sha256 }: Manifest): string =>
  `espalier-fw/1\n${board}\n${version}\n${size}\n${sha256}\n`
