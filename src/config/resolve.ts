import { externalMisfits, type Misfit } from './external.ts'
import type { ConfigFile } from './file.ts'
import type { UpOptions } from './options.ts'
import type { ConfigProblem } from './problem.ts'
import type { Section, SectionPath, SectionSources } from './section.ts'
import { sections } from './sections.ts'
import { keyOf, type UpSetting, upSettings, variablesOf } from './settings.ts'
import { overlay, type Tree, treeFromJson } from './tree.ts'

export interface UpSources {
  readonly data: string
  /** By flag name without dashes; only what was given. */
  readonly flags: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: ConfigFile | null
  /** The text of a secret's file. */
  readonly readSecret: SectionSources['readSecret']
}

/** `from` says where each option comes from: `default`, `command line`, `environment`, `FILE:LINE`. */
export type Resolved =
  | { readonly ok: true; readonly options: UpOptions; readonly from: ReadonlyMap<keyof UpOptions, string> }
  | { readonly ok: false; readonly problems: ConfigProblem[] }

/** Takes each setting from the first source that has it, and checks that one. */
export function resolveUp(sources: UpSources): Resolved {
  const problems: ConfigProblem[] = []
  const options: Record<string, unknown> = { data: sources.data }
  const from = new Map<keyof UpOptions, string>()
  for (const s of upSettings) {
    const found = lookUp(s, sources)
    from.set(s.option, found?.where ?? 'default')
    const checked = found ? s.check(found.value) : { ok: true as const, value: s.fallback }
    if (checked.ok) options[s.option] = checked.value
    else problems.push({ where: found!.where, key: found!.key, what: checked.what, allowed: checked.allowed })
  }
  for (const s of sections) {
    const tree = lookUpTree(s, sources)
    const parsed = tree === null ? s.fallback : parseSection(s, tree, sources, problems)
    options[s.option] = parsed
    from.set(s.option, tree === null ? 'default' : 'value' in tree ? tree.at([]) : tree.where)
  }
  // A secret that has no flag and no key: a command line and a file are read by others.
  options.brokerPassword = sources.env.ESPALIER_BROKER_PASSWORD || null
  from.set('brokerPassword', options.brokerPassword === null ? 'default' : 'environment')
  if (problems.length > 0) return { ok: false, problems }
  const resolved = options as unknown as UpOptions
  problems.push(...misfits(resolved, from, sources))
  if (problems.length > 0) return { ok: false, problems }
  // Somebody else's broker has boards, or will: nobody asked for stand-ins there. Real nodes take the place of virtual ones.
  const standIns = resolved.broker === 'embedded' && resolved.simReal === 0
  const sim = !standIns && from.get('sim') === 'default' ? 0 : resolved.sim
  return { ok: true, options: { ...resolved, sim }, from }
}

/** Virtual and real nodes would have the same ids. */
const sameIds = ({ sim, simReal }: UpOptions, from: ReadonlyMap<keyof UpOptions, string>): Misfit[] =>
  sim > 0 && simReal > 0 && from.get('sim') !== 'default'
    ? [{ option: 'simReal', what: 'stands in place of the virtual nodes, and sim asks for those too', allowed: 'one of the two' }]
    : []

function misfits(options: UpOptions, from: ReadonlyMap<keyof UpOptions, string>, { readSecret }: UpSources): ConfigProblem[] {
  return [...sameIds(options, from), ...externalMisfits(options, readSecret)].map(({ option, what, allowed }) => {
    const s = upSettings.find(one => one.option === option)!
    const where = from.get(option)!
    const key = where === 'command line' ? `--${s.flag}` : where === 'environment' ? variablesOf(s)[0]! : keyOf(s)
    return { where, key, what, allowed }
  })
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
  // A key with nothing behind it says "none" where none is allowed.
  if (entry === undefined || (entry.value === null && s.fallback === null)) return undefined
  return { value: entry.value, where: `${sources.file!.name}:${entry.line}`, key }
}

/** The flag's tree, or the environment's, or the file's with single values of the environment over it; null: nobody gave one. */
function lookUpTree(s: Section, { flags, env, file }: UpSources): Tree | ConfigProblem | null {
  const given = flags[s.key]
  if (given !== undefined) return treeFromJson(given, 'command line', `--${s.key}`)
  const variable = `ESPALIER_${s.key.toUpperCase()}`
  const whole = env[variable]
  let tree = whole ? treeFromJson(whole, 'environment', variable) : (file?.trees.get(s.key) ?? null)
  if (tree !== null && 'where' in tree) return tree
  for (const [name, value] of Object.entries(env).sort()) {
    if (!name.startsWith(`${variable}__`) || value === undefined || value === '') continue
    const steps = name.slice(variable.length + 2).split('__')
    tree = overlay(tree ?? { value: {}, at: () => 'environment' }, steps, value, 'environment')
  }
  return tree
}

function parseSection(s: Section, tree: Tree | ConfigProblem, sources: UpSources, problems: ConfigProblem[]): unknown {
  if ('where' in tree) {
    problems.push(tree)
    return undefined
  }
  const parsed = s.parse(tree.value, { at: path => tree.at(path), readSecret: sources.readSecret })
  if (parsed.ok) return parsed.value
  for (const { path, what, allowed } of parsed.problems)
    problems.push({ where: tree.at(path), key: keyText(s.key, path), what, allowed })
  return undefined
}

/** `alerts.rules[0].above`, as a person writes it. */
const keyText = (key: string, path: SectionPath): string =>
  path.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${step}`), key)
