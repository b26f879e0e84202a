import { type Static, type TSchema, Type } from 'typebox'

/** Building stones of the HTTP API's JSON. Times are Unix milliseconds unless a name says otherwise. */
export const UnixMs = Type.Integer({ description: 'Unix milliseconds' })
export const Count = Type.Integer({ minimum: 0 })
export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])

/** A page of a list: `next` is the cursor of the following page, null at the end. */
export const Page = <T extends TSchema>(item: T) => Type.Object({ items: Type.Array(item), next: Nullable(Type.String()) })

/** application/problem+json (RFC 9457) with the places that are wrong and what is allowed there. */
export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  errors: Type.Optional(
    Type.Array(Type.Object({ path: Type.String(), message: Type.String(), allowed: Type.Optional(Type.String()) })),
  ),
})
export type Problem = Static<typeof Problem>
