/** Which file a row belongs to: that of its UTC day; what is older than four weeks, that of its week (Monday to Sunday). A node
 *  that sends years of backlog so makes 52 files a year, not 365: the number of files is what a query costs. */
export interface Period {
  /** `day-2024-01-10` or `week-2024-01-08`: how its files begin. */
  readonly name: string
  readonly from: number
  readonly to: number
}

export const dayMs = 86_400_000
const weeksAfterDays = 28

export const dayOf = (time: number): number => Math.floor(time / dayMs)

export const weekMs = 7 * dayMs

/** The Monday (Unix ms) of the week that `time` lies in. */
export const weekOf = (time: number): number => mondayOf(dayOf(time)) * dayMs

const mondayOf = (day: number): number => day - ((((day - 4) % 7) + 7) % 7) // 1970-01-05 was a Monday

/** The period of `time` as seen on day `today` (days since 1970). */
export function periodOf(time: number, today: number): Period {
  const day = dayOf(time)
  const monday = mondayOf(day)
  return monday + 7 <= today - weeksAfterDays ? period('week', monday, 7) : period('day', day, 1)
}

function period(word: string, day: number, days: number): Period {
  const date = new Date(day * dayMs).toISOString().slice(0, 10)
  return { name: `${word}-${date}`, from: day * dayMs, to: (day + days) * dayMs }
}
