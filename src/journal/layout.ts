/** The bytes of a payload: records one after the other, each a tag byte and its fields. A payload explains itself: the nodes and
 *  shapes it uses are defined in it, so rot in one frame never spoils another. Numbers are varints (7 bits a byte, low first),
 *  signed ones zigzag; times are differences from the record before; strings are UTF-8 with their length in front. */
export const tags = {
  /** string: the next node number. */
  node: 1,
  /** count, then that many strings: the next shape number (the names of a reading). */
  shape: 2,
  /** node, times, boot and seq, shape, then one float64 (little endian) a name. */
  reading: 3,
  /** node, times, boot and seq. */
  settled: 4,
  /** node, arrived, duplicates, nullValues, ignoredKeys. */
  counts: 5,
  /** node, arrived, ownBoot, boot, seq. */
  oldest: 6,
  /** JSON of all but `raw`, then the raw bytes with their length. */
  reject: 7,
  /** JSON. */
  status: 8,
  ack: 9,
} as const

/** How boot and seq stand in a reading or settled record, in the high bits of its tag. */
export const identity = {
  none: 0x00,
  /** The boot of this node's record before, and its seq + 1: no bytes. */
  next: 0x10,
  /** boot as uint32, seq as varint. */
  both: 0x20,
  bootOnly: 0x30,
  seqOnly: 0x40,
} as const

export const tagMask = 0x0f

/** Differences of two such times still fit a zigzag in a double's 53 bits. */
export const largestTime = 2 ** 51
