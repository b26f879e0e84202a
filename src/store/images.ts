/** images: the port to files of firmware, each under its SHA-256. What `keep` has answered for is there after a power cut; nothing is
 *  listed whose bytes are not whole. It judges no image: what is in it and who signed it is the caller's. */
export interface Images {
  /** In no order. */
  list(): readonly ImageRecord[]
  get(sha256: string): ImageRecord | undefined
  /** Takes the bytes to the disk, unlisted, until `keep` or `discard` says what becomes of them. Rejects with ImageTooLarge, NoRoomForImage,
   *  or the error of `pieces`; nothing is left then. */
  receive(pieces: AsyncIterable<Uint8Array>): Promise<ReceivedImage>
  /** Its bytes from `from` up to and without `to`. */
  read(sha256: string, from: number, to: number): AsyncIterable<Uint8Array>
  /** A download under way goes on to its end. False: there is none. */
  remove(sha256: string): Promise<boolean>
}

export interface ImageRecord {
  readonly board: string
  readonly version: string
  /** Bytes. */
  readonly size: number
  /** Hexadecimal, lower case. */
  readonly sha256: string
  /** DER, base64. */
  readonly signature: string
  /** SHA-256 of the public key that it verifies with, hexadecimal. */
  readonly key: string
  /** Unix ms. */
  readonly added_at: number
}

export interface ReceivedImage {
  readonly size: number
  readonly sha256: string
  /** Durable when it resolves. An image that is kept already gets this record. */
  keep(record: ImageRecord): Promise<void>
  discard(): Promise<void>
}

export class ImageTooLarge extends Error {}
export class NoRoomForImage extends Error {}
