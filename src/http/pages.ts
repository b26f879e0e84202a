import { type TProperties, Type } from 'typebox'

/** Lists go out page by page: `?limit` items, then `next`, the cursor of the following page. A cursor is the key of the last item:
 *  it stays right when items come and go in between. */
export const listQuery = <T extends TProperties>(filters: T, defaultLimit: number) =>
  Type.Object(
    {
      ...filters,
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: defaultLimit })),
      cursor: Type.Optional(Type.String({ maxLength: 128, description: '`next` of the page before' })),
    },
    { additionalProperties: false },
  )

/** `items` may hold one more than `limit`: that is how the end is known. */
export function page<T>(items: readonly T[], limit: number, key: (item: T) => string): { items: T[]; next: string | null } {
  const shown = items.slice(0, limit)
  return { items: shown, next: items.length > limit ? key(shown.at(-1)!) : null }
}

/** A page of a list that is in memory as a whole, in the order of its keys. */
export function pageAfter<T>(all: readonly T[], query: { limit: number; cursor?: string | undefined }, key: (item: T) => string) {
  const sorted = all.toSorted((a, b) => compare(key(a), key(b)))
  const from = query.cursor === undefined ? 0 : sorted.findIndex(item => compare(key(item), query.cursor!) > 0)
  return page(from < 0 ? [] : sorted.slice(from, from + query.limit + 1), query.limit, key)
}

/** By code unit, so that the order is the same in every locale. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
