import { type Static, Type } from 'typebox'

const Names = (description: string) => Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())], { description }))
const When = (description: string) =>
  Type.Optional(Type.String({ description: `${description}; ISO 8601, Unix seconds, or -24h` }))

export const exportFormats = ['csv', 'jsonl', 'parquet'] as const
export type ExportFormat = (typeof exportFormats)[number]

/** GET /api/export. Names may be repeated or separated by commas. With `rollup` a row is one (node, bucket):
 *  for each sensor `s` its `s_min`, `s_mean`, `s_max` and `s_count`, no boot and seq; also of readings that are gone by now. */
export const ExportQuery = Type.Object(
  {
    node: Names('node ids; default all'),
    sensor: Names('field names; default all'),
    from: When('inclusive; default the oldest reading'),
    to: When('exclusive; default no end'),
    format: Type.Optional(Type.Union([Type.Literal('csv'), Type.Literal('jsonl'), Type.Literal('parquet')], { default: 'csv' })),
    rollup: Type.Optional(Type.Union([Type.Literal('raw'), Type.Literal('1m'), Type.Literal('1h')], { default: 'raw' })),
  },
  { additionalProperties: false },
)
export type ExportQuery = Static<typeof ExportQuery>

/** One line of `format=jsonl`. */
export interface ExportLine {
  readonly time: number
  readonly node: string
  readonly boot: number | null
  readonly seq: number | null
  readonly fields: Readonly<Record<string, number>>
}

/** One line of `format=jsonl` with a `rollup`; `time` is the bucket's start. */
export interface RollupLine {
  readonly time: number
  readonly node: string
  readonly fields: Readonly<
    Record<string, { readonly min: number; readonly mean: number; readonly max: number; readonly count: number }>
  >
}
