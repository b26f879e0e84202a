import { crc32 } from 'node:zlib'
import type { ProvisioningDocument } from '../../contract/provisioning.ts'
import { nvsImage } from './nvs.ts'

/** What `espalier node flash` writes beside the firmware: the `creds` partition with one good copy of the settings, as the node itself
 *  would have written it (firmware/lib/espalier/src/settings_slots.cpp). */
export const credentialsNamespace = 'espalier'
export const credentialsKey = 'creds.a'
const headBytes = 16
const good = 1
/** sizes::kSettingsBytes of the firmware: with its head the copy fits where a payload does. */
const longestDocument = 4096 - headBytes

/** Where things lie on a 4 MB ESP32: firmware/partitions.csv, the bootloader's place, and the table's. */
export const flashPlaces = {
  bootloader: 0x1000,
  partitions: 0x8000,
  otadata: 0xe000,
  otadataBytes: 0x2000,
  app: 0x10000,
  appBytes: 0x1c0000,
  credentials: 0x390000,
  credentialsBytes: 0x10000,
} as const

export function credentialsImage(document: ProvisioningDocument): Buffer {
  return nvsImage(
    credentialsNamespace,
    [{ key: credentialsKey, type: 'blob', value: settingsCopy(document, 1) }],
    flashPlaces.credentialsBytes,
  )
}

/** A copy as it stands in flash: magic, generation, state, size, CRC, then the document. */
export function settingsCopy(document: ProvisioningDocument, generation: number): Buffer {
  const text = Buffer.from(JSON.stringify(document))
  if (text.length > longestDocument)
    throw new Error(`the settings have ${text.length} bytes, at most ${longestDocument} fit into a node`)
  const head = Buffer.alloc(headBytes)
  head.write('ESP1', 0, 'latin1')
  head.writeUInt32LE(generation, 4)
  head.writeUInt16LE(good, 8)
  head.writeUInt16LE(text.length, 10)
  head.writeUInt32LE(crc32(text, crc32(head.subarray(0, 12))), 12)
  return Buffer.concat([head, text])
}
