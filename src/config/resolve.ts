import type { ConfigFile } from './file.ts'
import type { UpOptions } from './options.ts'
import type { ConfigProblem } from './problem.ts'
import { keyOf, type UpSetting, upSettings, variablesOf } from './settings.ts'

export interface UpSources {
  readonly data: string
  /** By flag name without dashes; only what was given. */
  readonly flags: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: ConfigFile | null
}

export type Resolved =
  | { readonly ok: true; readonly options: UpOptions }
  | { readonly ok: false; readonly problems: ConfigProblem[] }

/** Takes each setting from the first source that has it, and checks that one. */
export function resolveUp(sources: UpSources): Resolved {
  const problems: ConfigProblem[] = []
  const options: Record<string, unknown> = { data: sources.data }
  for (const s of upSettings) {
    const found = lookUp(s, sources)
    if (!found) {
      options[s.option] = s.fallback
      continue
    }
    const checked = s.check(found.value)
    if (checked.ok) options[s.option] = checked.value
    else problems.push({ where: found.where, key: found.key, what: checked.what, allowed: checked.allowed })
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, options: options as unknown as UpOptions }
}

function lookUp(s: UpSetting, sources: UpSources): { value: unknown; where: string; key: string } | undefined {
  const given = sources.flags[s.flag]
  if (given !== undefined) return { value: given, where: 'command line', key: `--${s.flag}` }
  for (const variable of variablesOf(s)) {
    const value = sources.env[variable]
    if (value !== undefined && value !== '') return { value, where: 'environment', key: variable }
  }
  const key = keyOf(s)
  const entry = sources.file?.entries.get(key)
  return entry && { value: entry.value, where: `${sources.file!.name}:${entry.line}`, key }
}
