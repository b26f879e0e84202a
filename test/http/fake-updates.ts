import type { FirmwareView } from '../../src/api/firmware.ts'
import type { Updates } from '../../src/fleet/fleet.ts'
import { commandView } from './fake-parts.ts'

export const imageBytes = Buffer.from(Array.from({ length: 10_000 }, (_, i) => (i * 31) & 255))
export const imageToken = 'the-token-of-one-update'

export const imageView: FirmwareView = {
  version: '1.4.0',
  board: 'host',
  size: imageBytes.length,
  sha256: 'ab'.repeat(32),
  signature: 'c2ln',
  key: 'cd'.repeat(32),
  added_at: 1_704_844_800_000,
}

/** One image, one token, and node 01 that can be updated. */
export function fakeUpdates(): Updates {
  let refused = 0
  const none = { ok: false, why: 'no_such_image', detail: 'no such image' } as const
  return {
    images: () => [imageView],
    key: async () => ({ ok: true, value: { public_key: 'QUJD', sha256: imageView.key, private_here: true } }),
    async add({ version, board }, pieces) {
      let size = 0
      for await (const piece of pieces) size += piece.length
      if (size === 0) return { ok: false, why: 'bad_input', at: '/', detail: 'the image is empty', allowed: 'a file' }
      return { ok: true, value: { ...imageView, version, board, size, key_made: null, other_key: false } }
    },
    remove: async sha256 => (sha256 === imageView.sha256 ? { ok: true, value: imageView } : none),
    async start(node, { version }) {
      if (node !== '01') return { ok: false, why: 'no_such_node', detail: '' }
      return version === imageView.version ? { ok: true, value: commandView('01C', { node, command: 'update_firmware' }) } : none
    },
    opened(sha256, token) {
      if (sha256 === imageView.sha256 && token === imageToken) return imageView
      refused++
      return null
    },
    async *read(_, from, to) {
      for (let at = from; at < to; at += 1_000) yield imageBytes.subarray(at, Math.min(to, at + 1_000))
    },
    refused: () => refused,
  }
}
