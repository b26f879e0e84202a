import { computed, signal } from '@preact/signals'
import type { AlertView } from '../../../src/api/alerts.ts'
import type { Finding } from '../../../src/api/settings.ts'
import { asks } from './asks.ts'
import { client } from './connection.ts'

/** Alerts as they stand, and what the doctor finds: why all is not well, and what to do. */
export const alerts = signal<readonly AlertView[]>([])
export const findings = signal<readonly Finding[]>([])

export const firing = computed(() => alerts.value.filter(one => one.state === 'firing'))

export function takeAlert(alert: AlertView): void {
  alerts.value = [alert, ...alerts.peek().filter(one => one.id !== alert.id)]
}

export async function loadAlerts(): Promise<void> {
  alerts.value = await client.alerts()
}

export async function askDoctor(): Promise<void> {
  findings.value = (await asks.doctor()).findings.filter(one => one.severity !== 'info')
}
