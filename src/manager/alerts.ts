import { type Alerts, type Fleet, type MachineState, openAlerts } from '../fleet/fleet.ts'
import type { EventHub } from '../http/http.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Records } from '../store/records.ts'
import type { Log } from './log.ts'
import type { Settings } from './settings.ts'
import { every } from './timers.ts'

/** Joins the alerts to what they look at and to who wants to know: live readings come in as an applier, time by a timer, new rules
 *  by a reload; every alert goes to the event stream. */
export async function joinAlerts(parts: {
  readonly records: Records
  readonly clock: Clock
  readonly clockSuspect: () => boolean
  readonly settings: Settings
  readonly fleet: Fleet
  readonly ledger: Ledger
  readonly machine: () => MachineState
  readonly hub: EventHub
  readonly log: Log
}): Promise<{ readonly alerts: Alerts; readonly close: () => Promise<void> }> {
  const { records, clock, clockSuspect, settings, fleet, ledger, machine, hub, log } = parts
  const alerts = await openAlerts({
    records,
    clock,
    clockSuspect,
    config: settings.current.alerts,
    nodes: () => fleet.nodes(),
    node: id => fleet.node(id),
    ledger: node => ledger.report(node),
    machine,
    siteName: settings.current.siteName,
    onProblem: text => log.warn(text),
  })
  alerts.on(data => hub.publish({ type: 'alert', data }))
  settings.onChange('alerts', config => alerts.setRules(config))
  const stop = every(1_000, () => alerts.tick(), log)
  return {
    alerts,
    close: async () => {
      await stop()
      await alerts.close()
    },
  }
}
