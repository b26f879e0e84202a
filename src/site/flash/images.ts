import { crc32 } from 'node:zlib'
import { flashPlaces } from './credentials.ts'

/** What is written into a board's flash beside its credentials: three files of the build, and the note that the first slot starts. */
export interface BuiltImages {
  readonly bootloader: Uint8Array
  readonly partitions: Uint8Array
  readonly firmware: Uint8Array
}

export const imageFiles = { bootloader: 'bootloader.bin', partitions: 'partitions.bin', firmware: 'firmware.bin' } as const

const imageMagic = 0xe9
const extendedHeaderChip = 12
const chipEsp32 = 0
const tableEntryBytes = 32

/** What is wrong with a build, in words; null: nothing. Files of another chip or with another partition table would write the credentials
 *  over something else. */
export function imagesFault({ bootloader, partitions, firmware }: BuiltImages): string | null {
  const images = [
    [imageFiles.bootloader, bootloader],
    [imageFiles.firmware, firmware],
  ] as const
  for (const [name, image] of images) {
    if (image[0] !== imageMagic)
      return `${name} is no image of an ESP32: it begins with ${hex(image[0] ?? 0)}, not ${hex(imageMagic)}`
    const view = new DataView(image.buffer, image.byteOffset, image.byteLength)
    const chip = image.byteLength < 24 ? -1 : view.getUint16(extendedHeaderChip, true)
    if (chip !== chipEsp32) return `${name} is for another chip (${chip}) than the ESP32`
  }
  const table = partitionTable(partitions)
  for (const [label, offset, size] of wantedPartitions) {
    const found = table.get(label)
    if (found === undefined) return `${imageFiles.partitions} has no partition ${label}: build it from firmware/partitions.csv`
    if (found.offset !== offset || found.size !== size)
      return `${imageFiles.partitions} has ${label} at ${hex(found.offset)} (${found.size} bytes), not at ${hex(offset)} (${size})`
  }
  const slot = table.get('app0')!.size
  return firmware.byteLength <= slot ? null : `${imageFiles.firmware} has ${firmware.byteLength} bytes, a slot ${slot}`
}

const wantedPartitions = [
  ['otadata', flashPlaces.otadata, flashPlaces.otadataBytes],
  ['app0', flashPlaces.app, flashPlaces.appBytes],
  ['creds', flashPlaces.credentials, flashPlaces.credentialsBytes],
] as const

/** Entries of 32 bytes behind AA 50: type, subtype, offset, size, label. */
function partitionTable(bytes: Uint8Array): ReadonlyMap<string, { readonly offset: number; readonly size: number }> {
  const table = new Map<string, { offset: number; size: number }>()
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + tableEntryBytes <= view.length && view.readUInt16BE(at) === 0xaa50; at += tableEntryBytes) {
    const label = view.toString('latin1', at + 12, at + 28).replace(/\0.*$/s, '')
    table.set(label, { offset: view.readUInt32LE(at + 4), size: view.readUInt32LE(at + 8) })
  }
  return table
}

/** Two sectors: the first says that the first slot was chosen (sequence 1), the second nothing. Without it there is no way back from an update. */
export function otadataImage(): Buffer {
  const image = Buffer.alloc(flashPlaces.otadataBytes, 0xff)
  image.writeUInt32LE(1, 0)
  image.writeUInt32LE(crc32(image.subarray(0, 4), 0xffffffff), 28)
  return image
}

const hex = (value: number): string => `0x${value.toString(16)}`
