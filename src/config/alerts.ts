import type { AlertChannel, AlertRule, AlertsConfig, RuleKind } from '../contract/alert-rules.ts'
import { conditionDefaults, defaultAlerts, defaultRules, ruleDefaults } from './alert-defaults.ts'
import { channelFields, channelPattern, type Fields, ruleFields, ruleFrame } from './alerts-fields.ts'
import { alertsSchema } from './alerts-schema.ts'
import { nearest } from './nearest.ts'
import type { Section, SectionParsed, SectionPath, SectionSources } from './section.ts'
import { choice, onOff } from './values.ts'

const kinds = Object.keys(ruleFields) as RuleKind[]
const types = Object.keys(channelFields) as (keyof typeof channelFields)[]

/** Everything wrong in the tree, or the rules in force with the channels. */
export function parseAlerts(tree: unknown, sources: SectionSources): SectionParsed<AlertsConfig> {
  const read = new Reader(sources)
  const top = read.map(tree, [], ['rules', 'channels'])
  const channels = read.channels(top.channels)
  const rules = read.rules(top.rules, new Set(channels.map(channel => channel.name)))
  return read.problems.length > 0 ? { ok: false, problems: read.problems } : { ok: true, value: { rules, channels } }
}

interface Problem {
  readonly path: SectionPath
  readonly what: string
  readonly allowed: string
}

class Reader {
  readonly problems: Problem[] = []
  readonly #sources: SectionSources
  constructor(sources: SectionSources) {
    this.#sources = sources
  }

  #wrong(path: SectionPath, what: string, allowed: string): void {
    this.problems.push({ path, what, allowed })
  }

  /** A set of keys of which only these are known. */
  map(value: unknown, path: SectionPath, known: readonly string[]): Record<string, unknown> {
    if (value === null || value === undefined) return {}
    if (typeof value !== 'object' || Array.isArray(value)) {
      this.#wrong(path, 'is not a set of keys', known.join(', ') || 'a name of your own for each, its keys below it')
      return {}
    }
    for (const key of Object.keys(value)) {
      if (known.length === 0 || known.includes(key)) continue
      const meant = nearest(key, known)
      this.#wrong([...path, key], `no such key${meant ? `; did you mean ${meant}?` : ''}`, known.join(', '))
    }
    return value as Record<string, unknown>
  }

  /** Checked values by key; those that are absent or wrong are left out, and what is needed and absent is said. */
  fields(map: Record<string, unknown>, path: SectionPath, fields: Fields): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    for (const [key, field] of Object.entries(fields)) {
      const at = [...path, key]
      const file = `${key}_file`
      let value = map[key]
      if (field.secret && value !== undefined && value !== null && this.#sources.at(at) !== 'environment') {
        this.#wrong(at, 'a secret does not belong in this file', `${file}: FILE, or ${variable(at)} in the environment`)
        continue
      }
      if ((field.secret || field.hidden) && typeof map[file] === 'string') {
        const text = this.#sources.readSecret(map[file])
        if (!text.ok) {
          this.#wrong([...path, file], text.what, text.allowed)
          continue
        }
        value = text.value
      }
      if (value === undefined || value === null) {
        if (field.needed) this.#wrong(at, 'is missing', field.secret ? `${file}: FILE, or ${variable(at)}` : field.help)
        continue
      }
      const checked = field.check(value)
      if (checked.ok) out[key] = checked.value
      // What a secret looks like is nobody's business, not even in an error.
      else this.#wrong(at, field.secret || field.hidden ? "can't be used" : checked.what, checked.allowed)
    }
    return out
  }

  channels(value: unknown): AlertChannel[] {
    const map = this.map(value, ['channels'], [])
    const found: AlertChannel[] = []
    for (const [name, given] of Object.entries(map)) {
      const path = ['channels', name]
      if (!channelPattern.test(name))
        this.#wrong(path, `"${name}" is no name of a channel`, 'lower-case letters, digits, _ and -, beginning with a letter')
      const type = this.#choice(given, path, 'type', types)
      if (type === undefined) continue
      const fields: Fields = channelFields[type]
      const before = this.problems.length
      const checked = this.fields(this.map(given, path, ['type', ...withFiles(fields)]), path, fields)
      if (this.problems.length === before) found.push(this.#channel(name, type, checked, path))
    }
    return found
  }

  #channel(name: string, type: AlertChannel['type'], f: Record<string, unknown>, path: SectionPath): AlertChannel {
    const frame = { name, from: this.#sources.at(path) }
    const text = (key: string): string | null => (f[key] as string | undefined) ?? null
    switch (type) {
      case 'webhook':
        return { ...frame, type, url: f.url as string, secret: text('secret'), authorization: text('authorization') }
      case 'ntfy': {
        const server = (text('server') ?? 'https://ntfy.sh').replace(/\/+$/, '')
        return { ...frame, type, server, topic: f.topic as string, token: text('token'), priority: (f.priority as number) ?? 4 }
      }
      case 'telegram': {
        const api = (text('api') ?? 'https://api.telegram.org').replace(/\/+$/, '')
        return { ...frame, type, api, token: f.token as string, chat: f.chat as string }
      }
      case 'email': {
        const security = (text('security') ?? 'tls') as 'tls' | 'starttls' | 'none'
        const host = f.host as string
        const user = text('user')
        const password = text('password')
        if ((user === null) !== (password === null))
          this.#wrong(path, user === null ? 'a password without user' : 'a user without password', 'both or neither')
        if (security === 'none' && password !== null && !isLoopback(host))
          this.#wrong([...path, 'security'], 'the password would go over the network in the clear', 'tls, starttls')
        const port = (f.port as number | undefined) ?? { tls: 465, starttls: 587, none: 25 }[security]
        return { ...frame, type, host, port, security, user, password, sender: f.from as string, to: f.to as string[] }
      }
    }
  }

  #choice<T extends string>(given: unknown, path: SectionPath, key: string, values: readonly T[]): T | undefined {
    const map = this.map(given, path, [])
    const checked = choice(values)(map[key])
    if (checked.ok) return checked.value
    this.#wrong([...path, key], map[key] === undefined ? 'is missing' : checked.what, checked.allowed)
    return undefined
  }

  /** The default rules, those replaced or switched off that the list names, then the list's own. */
  rules(value: unknown, channels: ReadonlySet<string>): AlertRule[] {
    if (value !== undefined && value !== null && !Array.isArray(value))
      this.#wrong(['rules'], 'is not a list', 'a list: "- name: …" with "kind: …" below')
    const items: unknown[] = Array.isArray(value) ? value : []
    const named = new Map<string, AlertRule | null>()
    items.forEach((item, index) => {
      const path = ['rules', index]
      const name = this.fields(this.map(item, path, []), path, { name: ruleFrame.name }).name as string | undefined
      if (name === undefined) return
      if (named.has(name)) this.#wrong([...path, 'name'], `"${name}" is taken by a rule above`, 'another name')
      named.set(name, this.#rule(item as Record<string, unknown>, name, path, channels))
    })
    const kept = defaultRules.filter(rule => !named.has(rule.name))
    return [...kept, ...[...named.values()].filter(rule => rule !== null)]
  }

  /** null: switched off, or wrong. */
  #rule(item: Record<string, unknown>, name: string, path: SectionPath, channels: ReadonlySet<string>): AlertRule | null {
    const off = onOff(item.off ?? false)
    if (!off.ok) this.#wrong([...path, 'off'], off.what, off.allowed)
    if (off.ok && off.value) {
      if (item.kind === undefined && !defaultRules.some(rule => rule.name === name))
        this.#wrong([...path, 'name'], `no default rule is called "${name}"`, defaultRules.map(rule => rule.name).join(', '))
      return null
    }
    // A rule that only changes numbers of a default need not say its kind again.
    const standard = defaultRules.find(rule => rule.name === name)
    const kind = item.kind === undefined && standard ? standard.kind : this.#choice(item, path, 'kind', kinds)
    if (kind === undefined) return null
    const fields: Fields = { ...ruleFrame, ...ruleFields[kind] }
    const before = this.problems.length
    const checked = this.fields(this.map(item, path, ['kind', 'off', ...Object.keys(fields)]), path, fields)
    for (const channel of (checked.channels as string[] | undefined) ?? [])
      if (!channels.has(channel))
        this.#wrong(
          [...path, 'channels'],
          `there is no channel "${channel}"`,
          [...channels].join(', ') || 'one below alerts.channels',
        )
    const condition = this.#condition(kind, checked, path)
    if (condition === null || this.problems.length > before) return null
    return {
      name,
      from: this.#sources.at(path),
      nodes: (checked.nodes as string | undefined) ?? (kind === 'silent' ? 'claimed' : 'all'),
      channels: (checked.channels as string[] | undefined) ?? null,
      forMs: (checked.for as number | undefined) ?? ruleDefaults[kind].forMs,
      resolveAfterMs: (checked.resolve_after as number | undefined) ?? ruleDefaults[kind].resolveAfterMs,
      ...condition,
    }
  }

  #condition(kind: RuleKind, f: Record<string, unknown>, path: SectionPath) {
    const n = (key: string): number | null => (f[key] as number | undefined) ?? null
    switch (kind) {
      case 'silent':
        return { kind }
      case 'threshold': {
        const [above, below, clear] = [n('above'), n('below'), n('clear')]
        if ((above === null) === (below === null)) {
          this.#wrong(path, above === null ? 'has no bound' : 'has two bounds', 'above or below; a rule for each')
          return null
        }
        if (clear !== null && (above !== null ? clear > above : clear < below!))
          this.#wrong(
            [...path, 'clear'],
            `${clear} lies on the bad side of ${above ?? below}`,
            `at ${above !== null ? 'most' : 'least'} ${above ?? below}`,
          )
        return { kind, sensor: f.sensor as string, above, below, clear }
      }
      case 'rssi': {
        const below = n('below') ?? conditionDefaults.rssi.below
        const clear = n('clear') ?? (n('below') === null ? conditionDefaults.rssi.clear : null)
        if (clear !== null && clear < below)
          this.#wrong([...path, 'clear'], `${clear} lies on the bad side of ${below}`, `at least ${below}`)
        return { kind, below, clear }
      }
      case 'reboot_loop':
        return {
          kind,
          boots: n('boots') ?? conditionDefaults.rebootLoop.boots,
          withinMs: n('within') ?? conditionDefaults.rebootLoop.withinMs,
        }
      case 'loss': {
        const [lost, missing] = [n('lost'), n('missing')]
        return {
          kind,
          lost: lost === null && missing === null ? 1 : lost,
          missing,
          withinMs: n('within') ?? conditionDefaults.lossWithinMs,
        }
      }
      case 'disk':
        return {
          kind,
          freeBytes: n('free_below') ?? conditionDefaults.disk.freeBytes,
          fullWithinMs: n('full_within') ?? conditionDefaults.disk.fullWithinMs,
        }
      case 'certificate':
        return { kind, expiresWithinMs: n('expires_within') ?? conditionDefaults.certificate.expiresWithinMs }
    }
  }
}

const withFiles = (fields: Fields): string[] =>
  Object.entries(fields).flatMap(([key, field]) => (field.secret || field.hidden ? [key, `${key}_file`] : [key]))

const variable = (path: SectionPath): string => `ESPALIER_ALERTS__${path.join('__').toUpperCase().replaceAll('-', '_')}`

const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)

/** `alerts:` of espalier.yaml: rules over the default ones, and the channels they are told on. */
export const alertsSection: Section<'alerts'> = {
  key: 'alerts',
  option: 'alerts',
  help: 'what is worth an alert, and where it is told',
  reload: true,
  fallback: defaultAlerts,
  schema: alertsSchema,
  parse: parseAlerts,
}
