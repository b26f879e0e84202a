import { type RejectReason, rejectDetail } from './codes.ts'

/** A message that is rejected as a whole; it settles nothing (wire contract §3). */
export interface MessageReject {
  readonly reason: RejectReason
  readonly detail: string
}

export interface Refused {
  readonly ok: false
  readonly reject: MessageReject
}

/** `got` and `allowed` as in `rejectDetail`. */
export const refused = (reason: RejectReason, got: string, allowed?: string): Refused => ({
  ok: false,
  reject: { reason, detail: rejectDetail(reason, got, allowed) },
})
