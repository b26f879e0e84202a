import { bytes, type Check, check, choice, durationMs, numberOf, text, wholeIn } from './values.ts'

/** The keys of alert rules and channels: how each is checked, its help. One table, so that check, JSON Schema and reference can't
 *  differ. */
export interface Field {
  readonly check: Check<unknown>
  readonly help: string
  readonly needed?: true
  /** Never written in espalier.yaml: `KEY_file: FILE` beside it, or the environment. */
  readonly secret?: true
  /** May be a secret (addresses of webhooks are): never repeated in an error. */
  readonly hidden?: true
}
export type Fields = Readonly<Record<string, Field>>

const dayMs = 86_400_000

const number: Check<number> = check('a number', { type: 'number' }, numberOf)

/** What may be a number in YAML and is a text to us: a chat, the node `01`. */
const word = (pattern: RegExp, allowed: string): Check<string> =>
  check(allowed, { type: ['string', 'integer'], pattern: pattern.source }, value =>
    (typeof value === 'string' || typeof value === 'number') && pattern.test(String(value)) ? String(value) : undefined,
  )

/** A list, or one text with commas. */
const listOf = (pattern: RegExp, allowed: string): Check<readonly string[]> =>
  check<readonly string[]>(
    allowed,
    { type: ['string', 'array'], items: { type: 'string', pattern: pattern.source }, minItems: 1 },
    value => {
      const items: unknown[] =
        typeof value === 'string' ? value.split(',').map(item => item.trim()) : Array.isArray(value) ? value : []
      return items.length > 0 && items.every(item => typeof item === 'string' && pattern.test(item))
        ? (items as string[])
        : undefined
    },
    items => items.join(', '),
  )

const httpUrl: Check<string> = check(
  'http(s)://HOST/…, without a user in it',
  { type: 'string', pattern: '^https?://' },
  value => {
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
    return url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
      ? (value as string)
      : undefined
  },
)

export const rulePattern = /^[a-z0-9][a-z0-9_-]{0,63}$/
export const channelPattern = /^[a-z][a-z0-9_-]{0,31}$/
const address = /^[^\s@<>,;]+@[^\s@<>,;]+$/

export const ruleFrame = {
  name: {
    check: word(rulePattern, 'lower-case letters, digits, _ and -, beginning with a letter or digit'),
    help: 'its name; that of a default rule replaces the default',
    needed: true,
  },
  channels: {
    check: listOf(channelPattern, 'a list of names below alerts.channels'),
    help: 'where it is told; all channels when left out',
  },
  for: { check: durationMs(0, 30 * dayMs), help: 'how long it must be bad before it fires' },
  resolve_after: {
    check: durationMs(0, 30 * dayMs),
    help: 'how long it must be good again before it is over, so that a value that flaps gives one alert',
  },
} as const satisfies Fields

const nodes: Field = {
  check: word(/^(tag:[a-z0-9][a-z0-9_-]{0,31}|[A-Za-z0-9][A-Za-z0-9_-]{0,31})$/, "all, claimed, a node's id, or tag:T"),
  help: "all, claimed (nodes that somebody added), a node's id, or tag:T",
}
const clear: Field = { check: number, help: 'good again only beyond this value (hysteresis)' }
const within = (help: string): Field => ({ check: durationMs(1_000, 90 * dayMs), help })

/** The keys of each kind, besides those of all. */
export const ruleFields = {
  silent: { nodes },
  threshold: {
    nodes,
    sensor: {
      check: word(/^[a-z][a-z0-9_]{0,31}$/, 'the name of a sensor, such as temperature'),
      help: 'which sensor',
      needed: true,
    },
    above: { check: number, help: 'bad above this value' },
    below: { check: number, help: 'bad below this value' },
    clear,
  },
  rssi: { nodes, below: { check: number, help: 'bad below so many dBm' }, clear },
  reboot_loop: {
    nodes,
    boots: { check: wholeIn(2, 10_000), help: 'so many starts' },
    within: within('in this time'),
  },
  loss: {
    nodes,
    lost: { check: wholeIn(1, 1e9), help: 'so many readings lost for good' },
    missing: { check: wholeIn(1, 1e9), help: 'so many readings missing, which may still come' },
    within: within('the losses of this time count'),
  },
  disk: {
    free_below: { check: bytes(0, 2 ** 50), help: 'bad with less free space' },
    full_within: within('bad when the disk will be full so soon at the pace of the last day'),
  },
  certificate: { expires_within: within('bad when a certificate ends so soon') },
} as const satisfies Record<string, Fields>

const secret = (help: string, needed?: true): Field => ({
  check: text(4096),
  help,
  secret: true,
  ...(needed && { needed }),
})

export const channelFields = {
  webhook: {
    url: { check: httpUrl, help: 'gets a JSON POST', needed: true, hidden: true },
    secret: secret('key of the signature in X-Espalier-Signature: sha256=HEX, an HMAC of the body'),
    authorization: secret('value of the Authorization header'),
  },
  email: {
    host: { check: text(255), help: 'the SMTP server', needed: true },
    port: { check: wholeIn(1, 65_535), help: '465 with tls, 587 with starttls, 25 with none' },
    security: {
      check: choice(['tls', 'starttls', 'none'] as const),
      help: 'tls from the first byte (the default), starttls (insisted on), none',
    },
    user: { check: text(255), help: 'who signs in there' },
    password: secret('its password'),
    from: { check: word(address, 'an address such as espalier@example.org'), help: 'the sender', needed: true },
    to: {
      check: listOf(address, 'an address or a list of them'),
      help: 'who gets it',
      needed: true,
    },
  },
  ntfy: {
    server: { check: httpUrl, help: 'https://ntfy.sh when left out' },
    topic: {
      check: word(/^[A-Za-z0-9_-]{1,64}$/, 'up to 64 letters, digits, _ and -'),
      help: 'the topic; on a public server whoever knows it can read it',
      needed: true,
    },
    token: secret('its access token'),
    priority: { check: wholeIn(1, 5), help: '1 (least) to 5; 4 when left out' },
  },
  telegram: {
    token: secret("the bot's token", true),
    chat: {
      check: word(/^(-?\d{1,20}|@[A-Za-z0-9_]{5,32})$/, 'the number of a chat, or @channel'),
      help: 'where it writes',
      needed: true,
    },
    api: { check: httpUrl, help: 'https://api.telegram.org when left out' },
  },
} as const satisfies Record<string, Fields>
