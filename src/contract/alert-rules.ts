/** What an alert rule and a channel are once they are checked: config makes them, the fleet acts on them. Times in milliseconds. */
export type AlertRule = RuleFrame & RuleCondition

export interface RuleFrame {
  readonly name: string
  /** `FILE:LINE`, `environment`, `command line` or `default`. */
  readonly from: string
  /** `all`, `claimed` (a person added them), a node's id, or `tag:T`. The machine's own rules have `all`. */
  readonly nodes: string
  /** null: every channel. */
  readonly channels: readonly string[] | null
  /** How long it must be bad before it fires. */
  readonly forMs: number
  /** How long it must be good again before it counts as over: a value that flaps is one alert. */
  readonly resolveAfterMs: number
}

export type RuleCondition =
  /** Late, offline, or not heard since the manager started. */
  | { readonly kind: 'silent' }
  /** Exactly one of `above` and `below` is a number. `clear`: good again only beyond it; null: beyond the bound itself. */
  | {
      readonly kind: 'threshold'
      readonly sensor: string
      readonly above: number | null
      readonly below: number | null
      readonly clear: number | null
    }
  /** dBm. */
  | { readonly kind: 'rssi'; readonly below: number; readonly clear: number | null }
  | { readonly kind: 'reboot_loop'; readonly boots: number; readonly withinMs: number }
  /** So many readings more than before `withinMs` are lost; or so many are missing now. null: not looked at. */
  | { readonly kind: 'loss'; readonly lost: number | null; readonly missing: number | null; readonly withinMs: number }
  | { readonly kind: 'disk'; readonly freeBytes: number; readonly fullWithinMs: number }
  | { readonly kind: 'certificate'; readonly expiresWithinMs: number }

export type RuleKind = RuleCondition['kind']

/** Where alerts are told. Secrets are in it: it is never shown, logged or sent anywhere. */
export type AlertChannel = { readonly name: string; readonly from: string } & ChannelKind

export type ChannelKind = WebhookChannel | EmailChannel | NtfyChannel | TelegramChannel

export interface WebhookChannel {
  readonly type: 'webhook'
  readonly url: string
  /** Key of the HMAC-SHA256 in X-Espalier-Signature. */
  readonly secret: string | null
  /** The whole value of the Authorization header. */
  readonly authorization: string | null
}

export interface EmailChannel {
  readonly type: 'email'
  readonly host: string
  readonly port: number
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string | null
  readonly password: string | null
  readonly sender: string
  readonly to: readonly string[]
}

export interface NtfyChannel {
  readonly type: 'ntfy'
  readonly server: string
  readonly topic: string
  readonly token: string | null
  /** 1 (least) to 5. */
  readonly priority: number
}

export interface TelegramChannel {
  readonly type: 'telegram'
  readonly api: string
  readonly token: string
  readonly chat: string
}

export interface AlertsConfig {
  readonly rules: readonly AlertRule[]
  readonly channels: readonly AlertChannel[]
}
