import { type TProperties, Type } from 'typebox'
import { badInput } from './refused.ts'

/** Lists go out page by page: `?limit` items, then `next`, the cursor of the following page. A cursor names the key of the last
 *  item: it stays right when items come and go in between. */
export const listQuery = <T extends TProperties>(filters: T, defaultLimit: number) =>
  Type.Object(
    {
      ...filters,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit })),
      cursor: Type.Optional(Type.String({ maxLength: 128, description: '`next` of the page before' })),
    },
    { additionalProperties: false },
  )

/** The cursor of the page after `key`. Marked, so that whatever else stands in ?cursor is refused: taken as a key it would give some
 *  page, and nobody would see that it is the wrong one. */
export const cursorAfter = (key: string): string => `after:${key}`

/** The key in a cursor; undefined for the first page. */
export function keyOf(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const key = /^after:([A-Za-z0-9_-]{1,64})$/.exec(cursor)?.[1]
  if (key === undefined) throw badInput('/cursor', `is ${JSON.stringify(cursor)}`, '`next` of the page before')
  return key
}

/** `items` may hold one more than `limit`: that is how the end is known. */
export function page<T>(items: readonly T[], limit: number, key: (item: T) => string): { items: T[]; next: string | null } {
  const shown = items.slice(0, limit)
  return { items: shown, next: items.length > limit ? cursorAfter(key(shown.at(-1)!)) : null }
}

/** A page of a list that is in memory as a whole, in the order of its keys. */
export function pageAfter<T>(all: readonly T[], query: { limit: number; cursor?: string | undefined }, key: (item: T) => string) {
  const sorted = all.toSorted((a, b) => compare(key(a), key(b)))
  const last = keyOf(query.cursor)
  const from = last === undefined ? 0 : sorted.findIndex(item => compare(key(item), last) > 0)
  return page(from < 0 ? [] : sorted.slice(from, from + query.limit + 1), query.limit, key)
}

/** By code unit, so that the order is the same in every locale. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
