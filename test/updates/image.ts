import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { request } from 'node:https'
import { markerBytes } from '../../src/contract/image.ts'

/** Bytes of chance with a marker somewhere inside: an image as the server sees it. */
export function imageOf(board: string, version: string, size = 200_000): Buffer {
  const image = randomBytes(size)
  image.set(markerBytes({ board, version }), Math.min(12_345, size - 96))
  return image
}

export async function imageFile(path: string, board: string, version: string, size?: number): Promise<Buffer> {
  const image = imageOf(board, version, size)
  await writeFile(path, image)
  return image
}

export interface Fetched {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly body: Buffer
}

/** As a node fetches: TLS, trusting the house's own CA alone, the name in the address checked. */
export function fetchImage(url: string, ca: string, headers: Record<string, string> = {}): Promise<Fetched> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { ca, headers, agent: false }, answer => {
      const pieces: Buffer[] = []
      answer.on('data', piece => pieces.push(piece))
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(pieces) }))
    })
    asked.on('error', reject)
    asked.end()
  })
}
