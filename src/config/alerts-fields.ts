import { bytes, type Check, choice, durationMs, numberOf, text, wholeIn } from './values.ts'

/** The keys of alert rules and channels: how each is checked, what an editor's JSON Schema says of it, its help. One table, so that
 *  the check, the schema and the reference can't differ. */
export interface Field {
  readonly check: Check<unknown>
  readonly schema: object
  readonly help: string
  readonly needed?: true
  /** Never written in espalier.yaml: `KEY_file: FILE` beside it, or the environment. */
  readonly secret?: true
}
export type Fields = Readonly<Record<string, Field>>

const dayMs = 86_400_000
const durationSchema = { type: 'string', pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d|y)$' }
const numberSchema = { type: 'number' }

const number: Check<number> = value => {
  const n = numberOf(value)
  return n === undefined
    ? { ok: false, what: `${JSON.stringify(value)} can't be used`, allowed: 'a number' }
    : { ok: true, value: n }
}
/** What may be a number in YAML and is a text to us: a chat, a node `01`. */
const word =
  (pattern: RegExp, allowed: string): Check<string> =>
  value =>
    (typeof value === 'string' || typeof value === 'number') && pattern.test(String(value))
      ? { ok: true, value: String(value) }
      : { ok: false, what: `${JSON.stringify(value) ?? 'nothing'} can't be used`, allowed }
const listOf =
  (pattern: RegExp, allowed: string): Check<readonly string[]> =>
  value => {
    const items: unknown[] = typeof value === 'string' ? value.split(',').map(item => item.trim()) : Array.isArray(value) ? value : []
    return items.length > 0 && items.every(item => typeof item === 'string' && pattern.test(item))
      ? { ok: true, value: items as string[] }
      : { ok: false, what: `${JSON.stringify(value) ?? 'nothing'} can't be used`, allowed }
  }
const httpUrl: Check<string> = value => {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  const fits = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  // Not repeated in the message: addresses of webhooks are secrets.
  return fits ? { ok: true, value: value as string } : { ok: false, what: "it can't be used", allowed: 'http(s)://HOST/…, without a user in it' }
}

export const rulePattern = /^[a-z0-9][a-z0-9_-]{0,63}$/
export const channelPattern = /^[a-z][a-z0-9_-]{0,31}$/
const address = /^[^\s@<>,;]+@[^\s@<>,;]+$/

export const ruleFrame = {
  name: {
    check: word(rulePattern, 'lower-case letters, digits, _ and -, beginning with a letter or digit'),
    schema: { type: 'string', pattern: rulePattern.source },
    help: 'its name; that of a default rule replaces the default',
    needed: true,
  },
  channels: {
    check: listOf(channelPattern, 'a list of names below alerts.channels'),
    schema: { type: 'array', items: { type: 'string' }, minItems: 1 },
    help: 'where it is told; all channels when left out',
  },
  for: { check: durationMs(0, 30 * dayMs), schema: durationSchema, help: 'how long it must be bad before it fires' },
  resolve_after: {
    check: durationMs(0, 30 * dayMs),
    schema: durationSchema,
    help: 'how long it must be good again before it is over, so that a value that flaps gives one alert',
  },
} as const satisfies Fields

const nodes: Field = {
  check: word(/^(tag:[a-z0-9][a-z0-9_-]{0,31}|[A-Za-z0-9][A-Za-z0-9_-]{0,31})$/, "all, claimed, a node's id, or tag:T"),
  schema: { type: 'string' },
  help: "all, claimed (nodes that somebody added), a node's id, or tag:T",
}
const clear: Field = { check: number, schema: numberSchema, help: 'good again only beyond this value (hysteresis)' }
const within = (help: string): Field => ({ check: durationMs(1_000, 90 * dayMs), schema: durationSchema, help })

/** The keys of each kind, besides those of all. */
export const ruleFields = {
  silent: { nodes },
  threshold: {
    nodes,
    sensor: {
      check: word(/^[a-z][a-z0-9_]{0,31}$/, 'the name of a sensor, such as temperature'),
      schema: { type: 'string' },
      help: 'which sensor',
      needed: true,
    },
    above: { check: number, schema: numberSchema, help: 'bad above this value' },
    below: { check: number, schema: numberSchema, help: 'bad below this value' },
    clear,
  },
  rssi: { nodes, below: { check: number, schema: numberSchema, help: 'bad below so many dBm' }, clear },
  reboot_loop: {
    nodes,
    boots: { check: wholeIn(2, 10_000), schema: { type: 'integer', minimum: 2 }, help: 'so many starts' },
    within: within('in this time'),
  },
  loss: {
    nodes,
    lost: { check: wholeIn(1, 1e9), schema: { type: 'integer', minimum: 1 }, help: 'so many readings lost for good' },
    missing: { check: wholeIn(1, 1e9), schema: { type: 'integer', minimum: 1 }, help: 'so many readings missing, which may still come' },
    within: within('the losses of this time count'),
  },
  disk: {
    free_below: { check: bytes(0, 2 ** 50), schema: { type: ['string', 'integer'] }, help: 'bad with less free space' },
    full_within: within('bad when the disk will be full so soon at the pace of the last day'),
  },
  certificate: { expires_within: within('bad when a certificate ends so soon') },
} as const satisfies Record<string, Fields>

const secret = (help: string, needed?: true): Field => ({
  check: text(4096),
  schema: { type: 'string' },
  help,
  secret: true,
  ...(needed && { needed }),
})

export const channelFields = {
  webhook: {
    url: { check: httpUrl, schema: { type: 'string' }, help: 'gets a JSON POST', needed: true },
    secret: secret('key of the signature in X-Espalier-Signature: sha256=HEX, an HMAC of the body'),
    authorization: secret('value of the Authorization header'),
  },
  email: {
    host: { check: text(255), schema: { type: 'string' }, help: 'the SMTP server', needed: true },
    port: { check: wholeIn(1, 65_535), schema: { type: 'integer' }, help: '465 with tls, 587 with starttls, 25 with none' },
    security: {
      check: choice(['tls', 'starttls', 'none'] as const),
      schema: { enum: ['tls', 'starttls', 'none'] },
      help: 'tls from the first byte (the default), starttls (insisted on), none',
    },
    user: { check: text(255), schema: { type: 'string' }, help: 'who signs in there' },
    password: secret('its password'),
    from: { check: word(address, 'an address such as espalier@example.org'), schema: { type: 'string' }, help: 'the sender', needed: true },
    to: {
      check: listOf(address, 'an address or a list of them'),
      schema: { type: ['string', 'array'], items: { type: 'string' } },
      help: 'who gets it',
      needed: true,
    },
  },
  ntfy: {
    server: { check: httpUrl, schema: { type: 'string' }, help: 'https://ntfy.sh when left out' },
    topic: {
      check: word(/^[A-Za-z0-9_-]{1,64}$/, 'up to 64 letters, digits, _ and -'),
      schema: { type: 'string' },
      help: 'the topic; on a public server whoever knows it can read it',
      needed: true,
    },
    token: secret('its access token'),
    priority: { check: wholeIn(1, 5), schema: { type: 'integer', minimum: 1, maximum: 5 }, help: '1 (least) to 5; 4 when left out' },
  },
  telegram: {
    token: secret("the bot's token", true),
    chat: { check: word(/^(-?\d{1,20}|@[A-Za-z0-9_]{5,32})$/, 'the number of a chat, or @channel'), schema: { type: ['string', 'integer'] }, help: 'where it writes', needed: true },
    api: { check: httpUrl, schema: { type: 'string' }, help: 'https://api.telegram.org when left out' },
  },
} as const satisfies Record<string, Fields>

