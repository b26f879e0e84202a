import type { AlertRule } from '../../contract/alert-rules.ts'

/** 5,400,000 → "90 min". */
export function spanText(ms: number): string {
  const seconds = Math.round(ms / 1000)
  if (seconds < 1) return `${Math.round(ms)} ms`
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3_600)} h` : `${Math.round(seconds / 86_400)} days`
}

export const dateText = (wallMs: number): string => new Date(wallMs).toISOString().slice(0, 10)

export const megabytes = (bytes: number): string =>
  bytes < 10 * 2 ** 30 ? `${Math.floor(bytes / 2 ** 20)} MiB` : `${Math.floor(bytes / 2 ** 30)} GiB`

export const readings = (count: number): string => (count === 1 ? 'reading' : 'readings')

/** The rule in a sentence. */
export function ruleText(rule: AlertRule): string {
  const held = rule.forMs > 0 ? ` for ${spanText(rule.forMs)}` : ''
  switch (rule.kind) {
    case 'silent':
      return `late, offline or not heard${held}`
    case 'threshold':
      return `${rule.sensor} ${rule.above !== null ? `above ${rule.above}` : `below ${rule.below}`}${held}${cleared(rule)}`
    case 'rssi':
      return `Wi-Fi below ${rule.below} dBm${held}${cleared(rule)}`
    case 'reboot_loop':
      return `${rule.boots} starts within ${spanText(rule.withinMs)}`
    case 'loss': {
      const lost = rule.lost === null ? [] : [`${rule.lost} ${readings(rule.lost)} lost within ${spanText(rule.withinMs)}`]
      const missing = rule.missing === null ? [] : [`${rule.missing} ${readings(rule.missing)} missing`]
      return [...lost, ...missing].join(', or ')
    }
    case 'disk':
      return `less than ${megabytes(rule.freeBytes)} free, or full within ${spanText(rule.fullWithinMs)}`
    case 'certificate':
      return `a certificate ends within ${spanText(rule.expiresWithinMs)}`
  }
}

const cleared = ({ clear }: { clear: number | null }): string => (clear === null ? '' : `, over at ${clear}`)
