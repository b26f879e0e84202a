import { computed } from '@preact/signals'
import { counted } from '../format.ts'
import { findings, firing } from './alarms.ts'
import { live } from './connection.ts'
import { countOf, health } from './house.ts'

export type Level = 'ok' | 'warn' | 'bad'

export const silentCount = computed(() => countOf('late') + countOf('offline'))

/** The worst of it, in a word or two. What was well before the line broke is not known to be well now. */
export const verdict = computed((): { level: Level; word: string } => {
  if (live.value.state === 'lost') return { level: 'bad', word: live.value.refused ? 'Turned away' : 'No connection' }
  const state = health.value
  if (state === null) return { level: 'ok', word: '…' }
  const bad = Object.entries(state.checks).find(([, check]) => !check.ok)
  if (bad)
    return {
      level: state.status === 'down' ? 'bad' : 'warn',
      word: bad[0] === 'disk' ? diskWord(bad[1].detail) : `${capital(bad[0])}: look here`,
    }
  const errors = findings.value.filter(one => one.severity === 'error').length
  if (errors > 0) return { level: 'bad', word: counted(errors, 'problem') }
  if (firing.value.length > 0) return { level: 'warn', word: counted(firing.value.length, 'alert') }
  if (silentCount.value > 0) return { level: 'warn', word: silentWord() }
  const warnings = findings.value.length
  return warnings > 0 ? { level: 'warn', word: counted(warnings, 'warning') } : { level: 'ok', word: 'All well' }
})

function silentWord(): string {
  const alike = (['late', 'offline'] as const).find(one => countOf(one) === silentCount.value)
  return `${silentCount.value} ${alike ?? 'silent'}`
}

/** `Disk 94 %` where the check says how full it is. */
const diskWord = (detail: string): string => {
  const share = /(\d+)\s?%/.exec(detail)?.[1]
  return share === undefined ? 'Disk: look here' : `Disk ${share}\u00a0%`
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
