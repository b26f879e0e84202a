/** `accept` rejects with it, or with JournalClosed, when the lane ends before the group is durable: nothing may be acknowledged. */
export class LaneClosed extends Error {}
