/** What went by so far. `rows` is null where bytes don't show them. */
export interface Passed {
  rows: number | null
  bytes: number
}

const everyMs = 500

/** Hands the pieces on and tells of them, at most twice a second and once at the start: `show` gets a line that replaces the one before,
 *  and '' at the end. With `rows` the lines of a text are counted, without its header. */
export async function* watched(
  pieces: AsyncIterable<Uint8Array>,
  passed: Passed,
  options: { readonly header: boolean; nowMs(): number; show(line: string): void },
): AsyncGenerator<Uint8Array, void> {
  const begun = options.nowMs()
  let shownAt = begun
  options.show('waiting for the first rows')
  try {
    let headers = options.header ? 1 : 0
    for await (const piece of pieces) {
      passed.bytes += piece.length
      if (passed.rows !== null) {
        const lines = newlines(piece)
        const skipped = Math.min(headers, lines)
        headers -= skipped
        passed.rows += lines - skipped
      }
      const now = options.nowMs()
      if (now - shownAt >= everyMs) {
        options.show(progressText(passed, now - begun))
        shownAt = now
      }
      yield piece
    }
  } finally {
    options.show('')
  }
}

/** `1,200,000 rows, 84.1 MB, 410,000 rows/s`; of bytes alone where there are no rows to count. */
export function progressText({ rows, bytes }: Passed, ms: number): string {
  const count = (n: number): string => Math.round(n).toLocaleString('en')
  const mb = (n: number): string => `${(n / 1e6).toFixed(1)} MB`
  const parts = rows === null ? [mb(bytes)] : [`${count(rows)} rows`, mb(bytes)]
  if (ms > 0) parts.push(rows === null ? `${mb((bytes / ms) * 1000)}/s` : `${count((rows / ms) * 1000)} rows/s`)
  return parts.join(', ')
}

function newlines(piece: Uint8Array): number {
  let count = 0
  for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) count++
  return count
}
