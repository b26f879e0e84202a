/** ULID (github.com/ulid/spec): 48 bits of Unix milliseconds, 80 bits of chance, Crockford base 32, 26 characters.
 *  Ids made by one generator sort in the order they were made, also within one millisecond and over a clock that steps back. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Makes a generator. `random` fills the given bytes (node:crypto's randomFillSync, or a seeded one in tests). */
export function ulidGenerator(wallMs: () => number, random: (bytes: Uint8Array) => void): () => string {
  let lastMs = -1
  const chance = new Uint8Array(16) // 16 digits of 5 bits
  return () => {
    const now = Math.max(wallMs(), lastMs)
    if (now === lastMs) increment(chance)
    else {
      random(chance)
      for (let i = 0; i < 16; i++) chance[i]! &= 31
      lastMs = now
    }
    let time = now
    let out = ''
    for (let i = 0; i < 10; i++) {
      out = alphabet[time % 32] + out
      time = Math.floor(time / 32)
    }
    for (const digit of chance) out += alphabet[digit]
    return out
  }
}

function increment(digits: Uint8Array): void {
  for (let i = digits.length - 1; i >= 0; i--) {
    if (digits[i]! < 31) {
      digits[i]!++
      return
    }
    digits[i] = 0
  }
}
