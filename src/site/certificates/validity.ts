/** From when until when things are valid, and when they are due to be made anew. Pure; the moment is handed in. */

/** The wall clock, and whether it is not to be believed (wire contract §8): a Pi without a battery clock starts in 1970. */
export interface Moment {
  readonly wallMs: number
  readonly suspect: boolean
}

export interface Life {
  readonly notBefore: Date
  readonly notAfter: Date
}

const dayMs = 86_400_000
const yearMs = 365 * dayMs

/** No real clock is before this: the date a doubtful one is taken for. */
const earliest = Date.UTC(2026, 0, 1)
const longMs = 20 * yearMs

/** The CA and what a board shows us count from 1970 on: they are judged by this machine too, whose clock may stand there after a
 *  power cut, and "not yet valid" would lock every board out. */
const always = new Date(0)

const believed = ({ wallMs, suspect }: Moment): number => (suspect ? Math.max(wallMs, earliest) : wallMs)

const wholeSecond = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000)

export const caLife = (moment: Moment): Life => ({ notBefore: always, notAfter: wholeSecond(believed(moment) + longMs) })

/** Ten years: a board can't fetch a new one by itself, and losing one is what the revocation is for. Never longer than the CA. */
export const clientLife = (moment: Moment, caEnds: number): Life => ({
  notBefore: always,
  notAfter: wholeSecond(Math.min(caEnds, believed(moment) + 10 * yearMs)),
})

/** Phones refuse server certificates over 825 days (Apple, HT210176, also under an own CA). 30 days back: a board's clock may be
 *  behind. */
const serverBackMs = 30 * dayMs
const serverAheadMs = 398 * dayMs

/** Made under a doubtful clock it is valid from 1970 and for long, so that boards with the right time take it whatever the time
 *  really is; it is due as soon as the clock is believed. */
export const serverLife = (moment: Moment, caEnds: number): Life =>
  moment.suspect
    ? { notBefore: always, notAfter: wholeSecond(caEnds) }
    : {
        notBefore: wholeSecond(moment.wallMs - serverBackMs),
        notAfter: wholeSecond(Math.min(caEnds, moment.wallMs + serverAheadMs)),
      }

/** With a third of its time left, or from a clock that was wrong: begun later than now, or ending later than one made now would. */
export const serverDue = (life: Life, moment: Moment, caEnds: number): boolean => {
  if (moment.suspect) return false
  const fresh = serverLife(moment, caEnds).notAfter.getTime()
  const left = life.notAfter.getTime() - moment.wallMs
  return (
    life.notBefore.getTime() > moment.wallMs ||
    left < Math.min(serverAheadMs / 3, (caEnds - moment.wallMs) / 3) ||
    ahead(life, fresh)
  )
}

/** The revocation list is a file on this machine, replaced at each revocation: a long life costs nothing, and an overdue one would
 *  lock everybody out of mosquitto (measured). Signed anew each month. */
const listAheadMs = yearMs
const listDueMs = 335 * dayMs

export const listLife = (moment: Moment): Life => ({
  notBefore: always,
  notAfter: wholeSecond(believed(moment) + (moment.suspect ? longMs : listAheadMs)),
})

export const listDue = (life: Life, moment: Moment): boolean =>
  !moment.suspect && (life.notAfter.getTime() - moment.wallMs < listDueMs || ahead(life, moment.wallMs + listAheadMs))

const ahead = (life: Life, freshEnd: number): boolean => life.notAfter.getTime() > freshEnd + dayMs
