/** Packets out of a stream of chunks, found by their lengths and handed on in place, without a copy. Plain on purpose: with
 *  packets.ts the hot file of both brokers (bench/broker, bench/ingest-mosquitto). It looks at sizes only; what is in a packet is for others.
 *  Promise: however the bytes are cut into chunks, the same packets in the same order; a packet in several chunks is copied into
 *  one buffer of its own size (appending chunk by chunk would be quadratic for a client that dribbles); nothing larger than the
 *  limit is ever allocated. Held by framing.test.ts. */

/** Looks at one whole packet: `bytes[start, end)` is its body, `first` its first byte. false: stop after this one. */
export type PacketSeen = (bytes: Buffer, first: number, start: number, end: number) => boolean

/** `more`: all was used. `stopped`: the rest waits for the next feed. */
export type Fed = 'more' | 'stopped' | 'malformed' | { readonly announced: number }

/** The beginning of a packet over the limit, `limit` bytes of it: its body begins at `start`. The rest is skipped. */
export type LargeSeen = (head: Buffer, first: number, start: number, size: number) => void

export class Framing {
  /** Largest packet in bytes, its fixed header included. */
  limit: number
  private readonly large: LargeSeen | null
  private rest: Buffer | null = null
  private partial: Buffer | null = null
  private filled = 0
  /** Of a packet over the limit: its size while its head is collected, then the bytes of it that are passed over. */
  private largeSize = 0
  private skipping = 0

  /** With `large`, packets over the limit are passed over; without it they end the feed. */
  constructor(limit: number, large: LargeSeen | null = null) {
    this.limit = limit
    this.large = large
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
    const length = bytes.length
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
      if (this.largeSize > 0) this.pass(partial, start + 1)
      else if (!seen(partial, partial[0]!, start + 1, partial.length)) return this.stop(bytes, at)
    }
    while (at < length) {
      if (this.skipping > 0) {
        const skipped = Math.min(this.skipping, length - at)
        this.skipping -= skipped
        at += skipped
        continue
      }
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
      const size = end - at
      if (size > this.limit) {
        if (this.large === null) return { announced: size }
        this.largeSize = size
        if (length - at >= this.limit) {
          this.pass(bytes.subarray(at, at + this.limit), start - at)
          at += this.limit
          continue
        }
      }
      if (end > length) {
        this.partial = Buffer.allocUnsafeSlow(Math.min(size, this.limit))
        this.filled = bytes.copy(this.partial, 0, at)
        return 'more'
      }
      if (!seen(bytes, bytes[at]!, start, end)) return this.stop(bytes, end)
      at = end
    }
    return 'more'
  }

  private pass(head: Buffer, start: number): void {
    const size = this.largeSize
    this.largeSize = 0
    this.skipping = size - head.length
    this.large!(head, head[0]!, start, size)
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
