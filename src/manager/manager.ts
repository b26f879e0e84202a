import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { RunInfo } from '../api/run.ts'
import type { UpOptions } from '../config/config.ts'
import { openFleet } from '../fleet/open.ts'
import { openHttp } from '../http/http.ts'
import { type LaneStats, openLane, openRejects } from '../ingest/ingest.ts'
import { createLedger } from '../ledger/create.ts'
import { joinBackups } from './backups.ts'
import { openClockGuard } from './clock-guard.ts'
import { damageFound } from './damage.ts'
import { openParts } from './embedded.ts'
import { isLoopback, listening, NotLoopback } from './errors.ts'
import { healthOf } from './health.ts'
import { createKeeper } from './keeper.ts'
import { createLive } from './live.ts'
import { identitySources, liveSessions } from './identities.ts'
import { type Log, openLog } from './log.ts'
import { type MachineFacts, machineReader } from './machine-facts.ts'
import { joinMessages } from './messages.ts'
import { openOwnBroker } from './own-broker.ts'
import { replay } from './replay.ts'
import { createReports, reportEveryMs } from './reports.ts'
import { writeRunFile } from './run-file.ts'
import { openSecrets } from './secrets.ts'
import { closeInTurn, endsWithin, every } from './timers.ts'
import { startVirtualNodes } from './virtual-nodes.ts'

export { DataInUse, NotLoopback, PortTaken } from './errors.ts'

/** manager: checked options in, a running Espalier out. It opens, joins, starts and stops the rooms, in an order that keeps the
 *  promises: what was durable is applied before anybody is listened to, and at the end doors close first, the disk last. It decides
 *  nothing and handles no message itself. */
export interface Manager {
  readonly run: RunInfo
  /** Stops reading, commits, acknowledges, closes. Takes 4 s at most, whatever hangs; what was not acknowledged then never was. */
  stop(): Promise<void>
}

const keepEveryMs = 1_000

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
const consoleDir = fileURLToPath(new URL('../../console/dist', import.meta.url))

/** Rejects with DataInUse, PortTaken or NotLoopback when it can't start; nothing is left running then. */
export async function startManager(options: UpOptions): Promise<Manager> {
  if (!isLoopback(options.mqttHost)) throw new NotLoopback(options.mqttHost, '--mqtt-host')
  if (!isLoopback(options.httpHost)) throw new NotLoopback(options.httpHost, '--http-host')
  process.umask(0o077) // everything in the data directory is the owner's alone
  const log = openLog(options.logLevel)
  const opened: (() => Promise<unknown>)[] = [] // closed from the last to the first
  const closing = (): Promise<void> => closeInTurn(opened.reverse(), log)
  try {
    const run = await open(options, log, opened)
    return { run, stop: closing }
  } catch (error) {
    await closing()
    throw error
  }
}

async function open(options: UpOptions, log: Log, opened: (() => Promise<unknown>)[]): Promise<RunInfo> {
  const { records, journal, store, metrics, hub, clock } = await openParts(options, log)
  opened.push(
    () => records.close(),
    () => journal.close(),
    () => store.close(),
  )
  const secrets = await openSecrets(options.data)

  const ledger = createLedger()
  const guard = await openClockGuard(records, clock)
  const fleet = await openFleet({
    records,
    ledger,
    clock,
    clockSuspect: guard.suspect,
    onProblem: text => log.warn(text),
    identities: identitySources(options),
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

  const lane = openLane({
    journal,
    ledger,
    store,
    appliers: [store, fleet, rejects, guard, live, messages],
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

  const broker = await openOwnBroker({ options, secrets, lane, fleet, messages, clock, version, log, damage })
  opened.push(() => broker.close())
  lane.sendReceiptsThrough(broker)
  fleet.sendThrough(broker)
  fleet.identities.disconnectThrough(liveSessions(broker, lane, clock))
  fleet.on(event => {
    if (event.type === 'command') hub.publish({ type: 'command', data: event.command })
    else hub.publish({ type: 'presence', data: { node: event.node, state: event.state, time: event.time } })
  })
  rejects.on(reject => hub.publish({ type: 'reject', data: reject }))

  const readMachine = machineReader(options.data, clock)
  let machine: MachineFacts | null = null
  const reports = createReports({
    broker,
    machine: async () => (machine = await readMachine()),
    totals: () => totalsOf(lane.stats()),
    clock,
    clockSuspect: guard.suspect,
    version,
    onView: data => hub.publish({ type: 'broker', data }),
  })
  const nodes = (): number => fleet.nodes().length
  const backups = joinBackups({ options, version, lane, journal, records, store, broker, nodes, clock, log })
  const http = await listening('--http-port', options.httpHost, options.httpPort, () =>
    openHttp({
      host: options.httpHost,
      port: options.httpPort,
      token: secrets.token,
      version,
      clock,
      fleet,
      store,
      ledger,
      rejects,
      messages,
      backups,
      between: work => lane.between(work),
      broker: reports.view,
      health: () => healthOf({ broker, store, journal, lane, clockSuspect: guard.suspect, machine: () => machine, damage }),
      events: hub,
      metrics,
      counters: () => lane.stats(),
      consoleDir,
      onError: (error, where) => log.error(error, where),
    }),
  )
  opened.push(backups.stop, () => http.close())

  opened.push(() => reports.goodbye(), every(reportEveryMs, reports.publish, log), every(keepEveryMs, keeper.turn, log))
  // A node that subscribes from now on must not be told the goodbye of the last run; a full disk must not keep us from starting.
  await endsWithin(1_000, reports.publish())
  const run: RunInfo = {
    pid: process.pid,
    version,
    mqtt: { host: options.mqttHost, port: broker.ports[0]! },
    mqtts: null,
    http: { host: http.host, port: http.port },
    https: null,
    started: clock.wallMs(),
  }
  opened.push(await writeRunFile(options.data, run))
  const virtual = await startVirtualNodes(options, run.mqtt, clock, version)
  opened.push(virtual.stop)
  return run
}

const totalsOf = ({ stored, rejected }: LaneStats) => ({
  stored,
  rejected: Object.values(rejected).reduce((sum, n) => sum + n, 0),
})
