import type { UpOptions } from './options.ts'
import type { Checked } from './values.ts'

/** Steps from a section's top to a value in it: `['rules', 0, 'above']`. */
export type SectionPath = readonly (string | number)[]

/** What a section's parser may ask for besides the tree. */
export interface SectionSources {
  /** Where a value stands: `FILE:LINE`, `environment`, or `command line`. */
  at(path: SectionPath): string
  /** The text of a secret's file (a key `x_file` beside the key `x`), without the line end. Config itself reads no files. */
  readSecret(file: string): Checked<string>
}

export type SectionParsed<T> =
  | { readonly ok: true; readonly value: T }
  | {
      readonly ok: false
      readonly problems: readonly { readonly path: SectionPath; readonly what: string; readonly allowed: string }[]
    }

/** A key of espalier.yaml whose value is a tree (lists, maps): `alerts:`. It registers in sections.ts. As flag `--<key>` and as
 *  environment ESPALIER_<KEY> the whole tree is JSON; one value of it is ESPALIER_<KEY>__<STEP>__<STEP>, list items by number or by
 *  their `name`. Values from the environment are texts: a parser takes `"5"` where it takes `5`. */
export interface Section<K extends keyof UpOptions = keyof UpOptions> {
  readonly key: string
  readonly option: K
  readonly help: string
  /** Taken over by `config reload`; otherwise a restart is needed. */
  readonly reload: boolean
  readonly fallback: UpOptions[K]
  /** JSON Schema of the tree, for editors. */
  readonly schema: object
  /** Never called without a tree: then `fallback` holds. */
  parse(tree: unknown, sources: SectionSources): SectionParsed<UpOptions[K]>
}
