import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Checked, ConfigProblem, Loaded, Resolved } from '../config/config.ts'
import type { Context } from './context.ts'
import { CliError, exits } from './errors.ts'

/** The settings of `up` as this command line, this environment and the file say; read again at each call, for `config reload`. */
export async function resolveSettings(context: Context, given: Readonly<Record<string, string | true>>): Promise<Resolved> {
  const { resolveUp, upSettings, sections } = await import('../config/config.ts')
  const loaded = await loadConfig(configPath(context))
  if (loaded && !loaded.ok) return loaded
  const flags: Record<string, string> = {}
  for (const flag of [...upSettings.map(s => s.flag), ...sections.map(s => s.key)]) {
    const value = given[flag.replace(/-./g, m => m[1]!.toUpperCase())]
    if (value !== undefined) flags[flag] = value === true ? 'on' : value
  }
  return resolveUp({ data: context.data, flags, env: context.env, file: loaded?.file ?? null, readSecret: readSecretFile })
}

/** --config and ESPALIER_CONFIG must be there; DATA/espalier.yaml may be. */
export function configPath(context: Pick<Context, 'flags' | 'env' | 'data'>): { path: string; named: boolean } {
  const named = context.flags.config ?? (context.env.ESPALIER_CONFIG || undefined)
  return { path: named ?? join(context.data, 'espalier.yaml'), named: named !== undefined }
}

/** Every mistake that `up` would find, also in values of the file that a variable hides. */
export async function checkConfig(
  context: Context,
  file: string | undefined,
): Promise<{ path: string; found: boolean; problems: ConfigProblem[] }> {
  const place = file === undefined ? configPath(context) : { path: file, named: true }
  const loaded = await loadConfig(place)
  if (loaded && !loaded.ok) return { path: place.path, found: true, problems: loaded.problems }
  const { resolveUp, sections } = await import('../config/config.ts')
  const problemsWith = (env: Context['env']): ConfigProblem[] => {
    const resolved = resolveUp({ data: context.data, flags: {}, env, file: loaded?.file ?? null, readSecret: readSecretFile })
    return resolved.ok ? [] : resolved.problems
  }
  const problems = problemsWith(context.env)
  // Without the environment a section may miss its secrets: that is no mistake of the file.
  const hidden = problemsWith({}).filter(
    p => !sections.some(s => p.key.startsWith(s.key)) && !problems.some(q => q.where === p.where && q.key === p.key),
  )
  return { path: place.path, found: loaded !== null, problems: [...problems, ...hidden] }
}

/** null: there is no file, and none was named. */
async function loadConfig({ path, named }: { path: string; named: boolean }): Promise<Loaded | null> {
  if (!named && !existsSync(path)) return null
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const what = `can't be read (${(error as Error).message})`
    return { ok: false, problems: [{ where: path, key: '', what, allowed: 'a file of YAML that this user may read' }] }
  }
  const { loadFile } = await import('../config/config.ts')
  return loadFile(text, path)
}

export function readSecretFile(file: string): Checked<string> {
  try {
    return { ok: true, value: readFileSync(file, 'utf8').trim() }
  } catch (error) {
    return { ok: false, what: (error as Error).message, allowed: 'a file with the secret that this user may read' }
  }
}

export async function configError(problems: readonly ConfigProblem[]): Promise<CliError> {
  const { problemText } = await import('../config/config.ts')
  return new CliError(exits.usage, 'bad_config', problems.map(problemText).join('\n  '), 'espalier up --help')
}
