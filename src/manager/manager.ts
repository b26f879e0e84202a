import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { ConnectInfo } from '../api/identities.ts'
import type { RunInfo } from '../api/run.ts'
import type { Resolved } from '../config/config.ts'
import { openAudit } from '../fleet/fleet.ts'
import { openFleet } from '../fleet/open.ts'
import { openHttp } from '../http/http.ts'
import { type LaneStats, openLane, openRejects } from '../ingest/ingest.ts'
import { createLedger } from '../ledger/create.ts'
import { joinAlerts } from './alerts.ts'
import { ownDeeds } from './audit.ts'
import { joinBackups } from './backups.ts'
import { openClockGuard } from './clock-guard.ts'
import { openConformance, openTaps } from './conformance.ts'
import { damageFound } from './damage.ts'
import { openParts } from './embedded.ts'
import { listening } from './errors.ts'
import { examine } from './examination.ts'
import { healthOf } from './health.ts'
import { openHouseBroker } from './house-broker.ts'
import { identitySources } from './identities.ts'
import { createKeeper } from './keeper.ts'
import { checkHosts, openLan } from './lan.ts'
import { createLive } from './live.ts'
import { type Log, openLog } from './log.ts'
import { openMachine } from './machine.ts'
import { joinMessages } from './messages.ts'
import { type Notice, watchNotices } from './notices.ts'
import { replay } from './replay.ts'
import { createReports, reportEveryMs } from './reports.ts'
import { openRetention } from './retention.ts'
import { writeRunFile } from './run-file.ts'
import { openSecrets } from './secrets.ts'
import { type Good, openSettings, type ReloadOutcome, type Settings } from './settings.ts'
import { closeInTurn, endsWithin, every } from './timers.ts'
import { joinUpdates } from './updates.ts'
import { createVirtualNodes } from './virtual-nodes.ts'

export { DataInUse, NoNodeProgram, NotLoopback, PortTaken } from './errors.ts'
export type { Notice } from './notices.ts'
export { offlineDoctor } from './offline-doctor.ts'
export { rotateTokenFile } from './token.ts'

/** manager: checked options in, a running Espalier out. It opens, joins, starts and stops the rooms, in an order that keeps the
 *  promises: what was durable is applied before anybody is listened to, and at the end doors close first, the disk last. It decides
 *  nothing and handles no message itself. */
export interface Manager {
  readonly run: RunInfo
  /** How boards reach it, of this moment. */
  connect(): ConnectInfo
  /** What whoever started it wants to hear without asking, from now on. */
  onNotice(tell: (notice: Notice) => void): void
  /** Reads the settings again (SIGHUP): the log says what changed, what waits for a restart, or what is wrong. */
  reload(): Promise<ReloadOutcome>
  /** Stops reading, commits, acknowledges, closes. Takes 4 s at most, whatever hangs; what was not acknowledged then never was. */
  stop(): Promise<void>
}

const keepEveryMs = 1_000

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
const consoleDir = fileURLToPath(new URL('../../console/dist', import.meta.url))

/** Rejects with DataInUse, PortTaken or NotLoopback when it can't start; nothing is left running then. */
export async function startManager(first: Good, again: () => Promise<Resolved>): Promise<Manager> {
  const { options } = first
  checkHosts(options)
  process.umask(0o077) // everything in the data directory is the owner's alone
  const log = openLog(options.logLevel)
  const settings = openSettings(first, again, log)
  settings.onChange('logLevel', level => void (log.level = level))
  const opened: (() => Promise<unknown>)[] = [] // closed from the last to the first
  const closing = (): Promise<void> => closeInTurn(opened.reverse(), log)
  try {
    return { ...(await open(settings, log, opened)), stop: closing }
  } catch (error) {
    await closing()
    throw error
  }
}

async function open(settings: Settings, log: Log, opened: (() => Promise<unknown>)[]): Promise<Omit<Manager, 'stop'>> {
  const options = settings.current
  const { records, journal, store, metrics, hub, clock } = await openParts(options, log)
  opened.push(
    () => records.close(),
    () => journal.close(),
    () => store.close(),
  )
  const secrets = await openSecrets(options.data)
  const audit = await openAudit({ records, clock, onProblem: text => log.warn(text) })
  const deeds = ownDeeds(audit)
  opened.push(() => audit.close())

  const ledger = createLedger()
  const guard = await openClockGuard(records, clock)
  const lan = await openLan({ options, clock, clockSuspect: guard.suspect, log, onRenewed: deeds.certificate })
  const fleet = await openFleet({
    records,
    ledger,
    clock,
    clockSuspect: guard.suspect,
    sealKey: secrets.managerSecret,
    onProblem: text => log.warn(text),
    identities: { ...identitySources(options), ...lan.identities },
  })
  const rejects = await openRejects(records)
  const live = createLive(hub)
  opened.push(
    () => fleet.close(),
    () => rejects.close(),
  )

  const { damaged: torn } = await replay(journal, [store, fleet, rejects, guard], {
    applier: fleet,
    event: event => ledger.apply(event),
  })
  const damage = damageFound(records, torn, log)
  const messages = joinMessages(fleet, hub, clock)
  const machine = await openMachine({ data: options.data, records, store, lan, clock })
  const alerting = { records, clock, clockSuspect: guard.suspect, settings, fleet, ledger, machine: machine.state, hub, log }
  const { alerts, close: closeAlerts } = await joinAlerts(alerting)
  opened.push(closeAlerts)

  const lane = openLane({
    journal,
    ledger,
    store,
    appliers: [store, fleet, rejects, guard, live, messages, alerts],
    clock,
    ackMatches: (node, ack) => fleet.commands.matches(node, ack),
    clockSuspect: guard.suspect,
    removed: node => fleet.removed(node),
    unclaimed: node => fleet.identities.quarantines(node),
  })
  fleet.onBirth(node => lane.born(node))
  const keeper = createKeeper({ journal, lane, store, records: [fleet, rejects, guard], clock })
  opened.push(
    () => keeper.settle(),
    () => lane.close(),
  )

  const taps = openTaps(lane)
  const house = await openHouseBroker({ options, lan, secrets, lane: taps, fleet, messages, clock, version, log, damage })
  const { broker } = house
  opened.push(() => broker.close())
  lane.sendReceiptsThrough(broker)
  fleet.sendThrough(broker)
  fleet.identities.disconnectThrough(house.sessions)
  fleet.on(event => {
    if (event.type === 'command') hub.publish({ type: 'command', data: event.command })
    else hub.publish({ type: 'presence', data: { node: event.node, state: event.state, time: event.time } })
  })
  rejects.on(reject => hub.publish({ type: 'reject', data: reject }))

  const reports = createReports({
    broker,
    machine: machine.read,
    totals: () => totalsOf(lane.stats()),
    clock,
    clockSuspect: guard.suspect,
    version,
    onView: data => hub.publish({ type: 'broker', data }),
  })
  const retention = await openRetention({
    store,
    records,
    settings: options,
    clock,
    clockSuspect: guard.suspect,
    hub: deeds.throughHub(hub),
    log,
  })
  const nodes = (): number => fleet.nodes().length
  const backups = joinBackups({
    data: options.data,
    settings,
    version,
    lane,
    journal,
    records,
    store,
    broker: house.own,
    nodes,
    clock,
    log,
    onTurn: deeds.backup,
  })
  const conformance = openConformance({ taps, lane, broker, fleet, clock })
  opened.push(conformance.close)
  const virtual = createVirtualNodes({ options, fleet, store, ledger, lane, broker, clock, version, log })
  const updates = await joinUpdates({ settings, fleet, records, broker, lan, clock, log })
  const health = () => healthOf({ broker, store, journal, lane, clockSuspect: guard.suspect, machine: machine.facts, damage })
  const examined = { settings, clock, health, machine, fleet, lane, broker, messages, retention, backups, alerts, updates }
  const http = await listening('--http-port', options.httpHost, options.httpPort, () =>
    openHttp({
      host: options.httpHost,
      port: options.httpPort,
      token: secrets.token,
      settings,
      demo: virtual,
      version,
      clock,
      fleet,
      store,
      ledger,
      rejects,
      messages,
      alerts,
      audit,
      updates,
      backups,
      conformance,
      between: work => lane.between(work),
      broker: reports.view,
      connect: lan.connect,
      hostNames: lan.hostNames,
      health,
      machine: () => machine.view(retention.report()),
      doctor: () => examine(examined),
      events: hub,
      metrics,
      counters: () => lane.stats(),
      consoleDir,
      onError: (error, where) => log.error(error, where),
    }),
  )
  opened.push(backups.stop, () => http.close())
  const secure = await lan.serve(house.own, http)
  opened.push(() => lan.close())

  opened.push(() => reports.goodbye(), every(reportEveryMs, reports.publish, log), every(keepEveryMs, keeper.turn, log))
  opened.push(every(60_000, retention.turn, log))
  // A node that subscribes from now on must not be told the goodbye of the last run; a full disk must not keep us from starting.
  house.whenUp(() => void reports.publish().catch(error => log.warn(error, 'telling the broker how we are')))
  await endsWithin(2_000, house.there)
  await endsWithin(1_000, reports.publish())
  const run: RunInfo = {
    pid: process.pid,
    version,
    mqtt: house.endpoint,
    broker: house.access,
    http: { host: http.host, port: http.port },
    ...secure,
    started: clock.wallMs(),
  }
  opened.push(await writeRunFile(options.data, run))
  await virtual.start(await house.forVirtualNodes())
  opened.push(virtual.close)
  return {
    run,
    connect: lan.connect,
    onNotice: tell => watchNotices(messages, fleet, clock, tell),
    reload: () => deeds.reload(settings.reload()),
  }
}

const totalsOf = ({ stored, rejected }: LaneStats) => ({
  stored,
  rejected: Object.values(rejected).reduce((sum, n) => sum + n, 0),
})
