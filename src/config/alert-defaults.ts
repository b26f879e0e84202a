import type { AlertRule, AlertsConfig, RuleFrame, RuleKind } from '../contract/alert-rules.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
const dayMs = 24 * hourMs

/** What holds for the keys that a rule of this kind leaves out. */
export const ruleDefaults = {
  silent: { forMs: 15 * minuteMs, resolveAfterMs: minuteMs },
  threshold: { forMs: 0, resolveAfterMs: 5 * minuteMs },
  rssi: { forMs: 10 * minuteMs, resolveAfterMs: 5 * minuteMs },
  reboot_loop: { forMs: 0, resolveAfterMs: 0 },
  loss: { forMs: 0, resolveAfterMs: 0 },
  disk: { forMs: minuteMs, resolveAfterMs: 5 * minuteMs },
  certificate: { forMs: 0, resolveAfterMs: 0 },
} as const satisfies Record<RuleKind, Pick<RuleFrame, 'forMs' | 'resolveAfterMs'>>

export const conditionDefaults = {
  rssi: { below: -85, clear: -80 },
  rebootLoop: { boots: 5, withinMs: hourMs },
  lossWithinMs: hourMs,
  disk: { freeBytes: 500 * 2 ** 20, fullWithinMs: 7 * dayMs },
  certificate: { expiresWithinMs: 14 * dayMs },
} as const

const frame = (kind: RuleKind, nodes: string): RuleFrame => ({
  name: kind,
  from: 'default',
  nodes,
  channels: null,
  ...ruleDefaults[kind],
})

/** In force without any configuration. Silence of nodes that nobody added is none of them: a board that was only tried would alert
 *  for ever. */
export const defaultRules: readonly AlertRule[] = [
  { ...frame('silent', 'claimed'), kind: 'silent' },
  { ...frame('loss', 'all'), kind: 'loss', lost: 1, missing: null, withinMs: conditionDefaults.lossWithinMs },
  { ...frame('reboot_loop', 'all'), kind: 'reboot_loop', ...conditionDefaults.rebootLoop },
  { ...frame('disk', 'all'), kind: 'disk', ...conditionDefaults.disk },
  { ...frame('certificate', 'all'), kind: 'certificate', ...conditionDefaults.certificate },
]

export const defaultAlerts: AlertsConfig = { rules: defaultRules, channels: [] }
