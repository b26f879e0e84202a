import { open } from 'node:fs/promises'
import { crc32 } from 'node:zlib'
import { pieceBytes } from './format.ts'
import { packPairs } from './pairs.ts'
import type { Source } from './write.ts'

/** What a backup is made of: files that no longer change, bytes in memory, and the pairs of a LevelDB. */

export function fileSource(path: string, file: { readonly at: string; readonly bytes: number; readonly crc: number }): Source {
  return { path, bytes: file.bytes, crc: file.crc, pieces: () => readPieces(file.at) }
}

export function bytesSource(path: string, bytes: Uint8Array): Source {
  return {
    path,
    bytes: bytes.length,
    crc: crc32(bytes),
    async *pieces() {
      yield bytes
    },
  }
}

export function pairsSource(path: string, pairs: AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>): Source {
  return { path, bytes: null, crc: null, pieces: () => packPairs(pairs) }
}

/** A file in pieces of one buffer: a piece is the reader's until it asks for the next. */
export async function* readPieces(path: string): AsyncGenerator<Buffer, void> {
  const file = await open(path, 'r')
  try {
    const piece = Buffer.allocUnsafe(pieceBytes)
    for (;;) {
      const { bytesRead } = await file.read(piece, 0, piece.length)
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
