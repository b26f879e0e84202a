import { flashPlaces } from '../../src/site/flash/credentials.ts'

/** A partition table as the build makes one of firmware/partitions.csv: those of its entries that are looked at. */
export function partitionTableBytes(credentials: number = flashPlaces.credentials): Buffer {
  const entry = (type: number, subtype: number, offset: number, size: number, label: string): Buffer => {
    const bytes = Buffer.alloc(32)
    bytes.set([0xaa, 0x50, type, subtype])
    bytes.writeUInt32LE(offset, 4)
    bytes.writeUInt32LE(size, 8)
    bytes.write(label, 12)
    return bytes
  }
  return Buffer.concat([
    entry(1, 2, 0x9000, 0x5000, 'nvs'),
    entry(1, 0, flashPlaces.otadata, flashPlaces.otadataBytes, 'otadata'),
    entry(0, 16, flashPlaces.app, flashPlaces.appBytes, 'app0'),
    entry(1, 2, credentials, flashPlaces.credentialsBytes, 'creds'),
    Buffer.alloc(3072 - 128, 0xff),
  ])
}
