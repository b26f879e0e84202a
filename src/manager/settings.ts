import type { ProblemPlace } from '../api/problems.ts'
import type { ReloadResult, SettingView } from '../api/settings.ts'
import { keyOf, type Resolved, sections, type UpOptions, upSettings } from '../config/config.ts'
import type { Log } from './log.ts'

/** The settings in force. Parts read `current` each time they need a value, or subscribe; `reload` takes over what can be taken over
 *  while running and says what waits for a restart. */
export interface Settings {
  /** A live view: reading a property of it gives the value of that moment. Never copy it. */
  readonly current: UpOptions
  /** Called with the new value after a reload changed it; before it is called, `current` has it. */
  onChange<K extends keyof UpOptions>(option: K, apply: (value: UpOptions[K]) => void | Promise<void>): void
  /** GET /api/settings. */
  views(): SettingView[]
  /** Keys that a reload found changed and that wait for a restart. */
  waiting(): readonly string[]
  /** Reads everything again. What is wrong with it comes back, and then nothing has changed. One at a time. */
  reload(): Promise<ReloadOutcome>
}

export type ReloadOutcome =
  | ({ readonly ok: true } & ReloadResult)
  | { readonly ok: false; readonly errors: readonly (ProblemPlace & { allowed: string })[] }

/** Settings that were found good. */
export type Good = Extract<Resolved, { ok: true }>
type Option = keyof UpOptions
type Apply = (value: never) => void | Promise<void>

/** Everything that can be set, single values and sections, in one form. */
const known: readonly {
  option: Option
  key: string
  help: string
  reload: boolean
  written: (value: unknown) => unknown
}[] = [
  ...upSettings.map(s => ({
    option: s.option,
    key: keyOf(s),
    help: s.help,
    reload: s.reload === true,
    written: (value: unknown) => (value === null ? null : s.check.written(value as never)),
  })),
  // Channels hold secrets; what is in force of a tree has a route of its own (/api/alerts/rules).
  ...sections.map(s => ({ option: s.option, key: s.key, help: s.help, reload: s.reload, written: () => null })),
]

/** `again` resolves flags, environment and file anew. */
export function openSettings(first: Good, again: () => Promise<Resolved>, log: Log): Settings {
  let values = first.options
  const current = liveView(() => values)
  const from = new Map(first.from)
  const listeners = new Map<Option, Apply[]>()
  let waiting: readonly string[] = []
  let turn: Promise<unknown> = Promise.resolve()

  const tell = async (option: Option): Promise<void> => {
    for (const apply of listeners.get(option) ?? [])
      try {
        await apply(current[option] as never)
      } catch (error) {
        log.error(error, `taking over ${option}`)
      }
  }

  const reload = async (): Promise<ReloadOutcome> => {
    const next = await again()
    if (!next.ok)
      return {
        ok: false,
        errors: next.problems.map(p => ({ path: `${p.where}${p.key && `: ${p.key}`}`, message: p.what, allowed: p.allowed })),
      }
    const changed = known.filter(({ option }) => !same(next.options[option], values[option]))
    const live = changed.filter(s => s.reload)
    for (const { option, reload } of known) if (reload) from.set(option, next.from.get(option)!)
    values = { ...values, ...Object.fromEntries(live.map(({ option }) => [option, next.options[option]])) }
    for (const { option } of live) await tell(option)
    waiting = changed.filter(s => !s.reload).map(s => s.key)
    return { ok: true, applied: live.map(s => s.key), needs_restart: [...waiting] }
  }

  return {
    current,
    onChange(option, apply) {
      listeners.set(option, [...(listeners.get(option) ?? []), apply as Apply])
    },
    views: () =>
      known.map(({ option, key, help, reload, written }) => ({
        key,
        value: written(current[option]),
        from: from.get(option) ?? 'default',
        help,
        reload,
      })),
    waiting: () => waiting,
    reload() {
      const done = turn.then(reload)
      turn = done.then(
        outcome => logReload(outcome, log),
        () => undefined,
      )
      return done
    },
  }
}

/** An object whose properties are asked for anew each time. */
function liveView(values: () => UpOptions): UpOptions {
  const view = {}
  for (const option of Object.keys(values()) as Option[])
    Object.defineProperty(view, option, { get: () => values()[option], enumerable: true })
  return view as UpOptions
}

/** Checked values are numbers, texts, lists and plain objects. */
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b)

/** What a reload did, as one line of the log. */
function logReload(outcome: ReloadOutcome, log: Log): void {
  if (!outcome.ok)
    log.error({ errors: outcome.errors }, 'the configuration is not valid: nothing was changed (espalier config check)')
  else if (outcome.needs_restart.length > 0) log.warn(outcome, 'configuration read again; some of it needs a restart')
  else log.info(outcome, 'configuration read again')
}
