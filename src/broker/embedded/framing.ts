/** Packets out of a stream of chunks, found by their lengths and handed on in place, without a copy. Plain on purpose: with
 *  packets.ts the hot file of the broker (bench/broker). It looks at sizes only; what is in a packet is for others.
 *  Promise: however the bytes are cut into chunks, the same packets in the same order; a packet in several chunks is copied into
 *  one buffer of its own size (appending chunk by chunk would be quadratic for a client that dribbles); nothing larger than the
 *  limit is ever allocated. Held by framing.test.ts. */

/** Looks at one whole packet: `bytes[start, end)` is its body, `first` its first byte. false: stop after this one. */
export type PacketSeen = (bytes: Buffer, first: number, start: number, end: number) => boolean

/** `more`: all was used. `stopped`: the rest waits for the next feed. */
export type Fed = 'more' | 'stopped' | 'malformed' | { readonly announced: number }

export class Framing {
  /** Largest packet in bytes, its fixed header included. */
  limit: number
  private rest: Buffer | null = null
  private partial: Buffer | null = null
  private filled = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Is something left over that a `feed(null)` would look at? */
  get stopped(): boolean {
    return this.rest !== null
  }

  /** Takes a chunk (or, after a stop, null to go on with what was left). */
  feed(chunk: Buffer | null, seen: PacketSeen): Fed {
    let bytes = chunk
    if (this.rest !== null) {
      bytes = chunk === null ? this.rest : Buffer.concat([this.rest, chunk])
      this.rest = null
    }
    if (bytes === null) return 'more'
    let at = 0
    if (this.partial !== null) {
      const partial = this.partial
      const copied = bytes.copy(partial, this.filled)
      this.filled += copied
      if (this.filled < partial.length) return 'more'
      this.partial = null
      at = copied
      // The header was whole before the buffer was made: it only has to be skipped.
      let start = 1
      while (partial[start]! > 127) start++
      if (!seen(partial, partial[0]!, start + 1, partial.length)) return this.stop(bytes, at)
    }
    const length = bytes.length
    while (at < length) {
      let start = at + 1
      let body = 0
      let shift = 0
      for (;;) {
        if (start >= length) return this.keep(bytes, at)
        const digit = bytes[start++]!
        body |= (digit & 127) << shift
        if (digit < 128) break
        shift += 7
        if (shift > 21) return 'malformed'
      }
      const end = start + body
      if (end - at > this.limit) return { announced: end - at }
      if (end > length) {
        this.partial = Buffer.allocUnsafeSlow(end - at)
        this.filled = bytes.copy(this.partial, 0, at)
        return 'more'
      }
      if (!seen(bytes, bytes[at]!, start, end)) return this.stop(bytes, end)
      at = end
    }
    return 'more'
  }

  private stop(bytes: Buffer, at: number): Fed {
    // An empty rest is kept too: `stopped` is how the owner knows that it has to come back.
    this.rest = bytes.subarray(at)
    return 'stopped'
  }

  /** An unfinished header, at most four bytes: copied, so that they don't hold the chunk. */
  private keep(bytes: Buffer, at: number): Fed {
    this.rest = Buffer.from(bytes.subarray(at))
    return 'more'
  }
}
