import type { BrokerAddress, SimReport } from '../../sim/sim.ts'
import { passwordOf } from '../broker-access.ts'
import { type Context, readSecret } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, type Exit, exits } from '../errors.ts'
import { facts, type Style } from '../output.ts'
import { duration, oneOf, positiveNumber, wholeNumber } from '../values.ts'
import { ending } from './watch.ts'

interface Flags {
  readonly broker?: string
  readonly ca?: string
  readonly nodes: string
  readonly rate: string
  readonly prefix: string
  readonly for: string
  readonly seed?: string
  readonly qos: string
  readonly username?: string
  readonly passwordFile?: string
  readonly keep?: string
  readonly execLog?: string
  readonly state?: string
  readonly fault?: string[]
}

export const defineSimulate: Define = (program, run) => {
  program
    .command('simulate')
    .description('virtual nodes against any broker, with a report at the end')
    .option('--broker <URL>', 'mqtt://HOST:PORT or mqtts://HOST:PORT (default: the server in the data directory)')
    .option('--nodes <N>', 'how many', '10')
    .option('--rate <R>', 'readings a second of each node, such as 1/s', '1/s')
    .option('--prefix <P>', 'ids are the prefix and a number', 'sim-')
    .option('--for <TIME>', 'how long', '60s')
    .option('--seed <S>', 'decides signals and faults (default: random)')
    .option('--qos <Q>', 'of the telemetry: 0, 1 or 2', '1')
    .option('--ca <FILE>', 'with mqtts://: certificate of the CA that signed the broker, PEM')
    .option('--username <U>', 'one user for all nodes')
    .option('--password-file <F>', 'file with its password')
    .option('--keep <K>', 'receipt or puback: when a reading may be forgotten (default: as the broker says)')
    .option('--exec-log <FILE>', 'a line for each executed command, synced')
    .option('--state <DIR>', 'folder of what the nodes remember, to run them again')
    .option('--fault <F...>', 'drop=P,dup=P,reorder=P,badjson=P,clock=S,flood=ID:RATE')
    .addHelpText(
      'after',
      `
Faults: drop = acknowledged and lost, dup = sent twice, reorder = sent behind the next, badjson = a broken message beside a good one
(P from 0 to 1); clock = seconds added to the nodes' clocks;
flood = one node that takes RATE readings a second. At the end the line is good again and
every node connects once more, so that with receipts readings = receipted + dropped.
${examples('espalier simulate --prefix load- --nodes 100 --rate 1/s --for 60s', 'espalier simulate --broker mqtt://127.0.0.1:1883 --prefix load- --nodes 20 --fault drop=0.05,dup=0.05')}`,
    )
    .action((flags: Flags) => run(context => simulate(context, flags)))
}

async function simulate(context: Context, flags: Flags): Promise<Exit> {
  const { out } = context
  const sim = await import('../../sim/sim.ts')
  const fault = flags.fault?.join(',')
  const faults = fault === undefined ? undefined : sim.parseFaults(fault)
  if (faults && !faults.ok) throw badInput(`--fault: ${faults.what}`, faults.allowed)
  const forMs = duration(flags.for, '--for')
  if (forMs === 0) throw badInput(`--for is ${flags.for}`, 'a time above 0 with its unit (500ms, 10s, 5m, 2h, 1d)')
  const access = flags.broker === undefined ? (context.run()?.broker ?? null) : null
  const options = {
    broker: access === null ? brokerOf(context, flags.broker, flags.ca) : externalBroker(context),
    ...(access !== null && access.user !== null && { username: access.user, password: passwordOf(context, access) ?? null }),
    nodes: wholeNumber(flags.nodes, '--nodes', 1, 100_000),
    prefix: prefixOf(flags.prefix),
    intervalS: 1 / positiveNumber(flags.rate.replace(/\/s$/, ''), '--rate', 1_000),
    seed:
      flags.seed === undefined
        ? crypto.getRandomValues(new Uint32Array(1))[0]!
        : wholeNumber(flags.seed, '--seed', 0, 0xffffffff),
    qos: wholeNumber(flags.qos, '--qos', 0, 2) as 0 | 1 | 2,
    ...(flags.username !== undefined && { username: flags.username }),
    ...(flags.passwordFile !== undefined && { password: readSecret(flags.passwordFile, '--password-file') }),
    ...(flags.keep !== undefined && { keep: oneOf(flags.keep, '--keep', ['receipt', 'puback'] as const) }),
    ...(faults && { faults: faults.faults }),
    ...(flags.execLog !== undefined && { execLog: flags.execLog }),
    ...(flags.state !== undefined && { stateDir: flags.state }),
  }
  const { host, port } = options.broker
  await warnOfTwins(context, options)
  const fleet = sim.startFleet(options)
  const end = ending(context.ended, forMs)
  const progress = setInterval(() => out.message(progressLine(fleet.connected(), fleet.report())), 5_000)
  await new Promise<void>(resolve => end.signal.addEventListener('abort', () => resolve(), { once: true }))
  end.stop()
  clearInterval(progress)
  const everConnected = fleet.everConnected()
  out.message('stopping: a few seconds for what is under way')
  const report = await fleet.stop({ settleMs: everConnected ? 10_000 : 0 })
  if (!everConnected)
    throw new CliError(
      exits.unreachable,
      'unreachable',
      `no node could connect to ${host}:${port}: ${fleet.lastFailure() ?? 'no answer'}`,
      'is a broker there? --broker mqtt://HOST:PORT names another one',
    )
  out.result(report, () => reportText(report, out.style))
  return exits.done
}

/** Two boards with one id push each other off the broker (MQTT-3.1.4-2). Known only of the server in the data directory. */
async function warnOfTwins(context: Context, wanted: { broker: BrokerAddress; prefix: string; nodes: number }): Promise<void> {
  const run = context.run()
  if (run === undefined || run.mqtt.port !== wanted.broker.port) return
  const known = await context
    .client()
    .then(client => client.nodes())
    .catch(() => [])
  const ours = (id: string): boolean => {
    const number = id.startsWith(wanted.prefix) ? id.slice(wanted.prefix.length) : ''
    return /^[1-9]\d*$/.test(number) && Number(number) <= wanted.nodes
  }
  const twins = known.filter(node => node.state === 'online' && ours(node.id)).map(node => node.id)
  if (twins.length === 0) return
  const names = twins.length > 3 ? `${twins.slice(0, 3).join(', ')} and ${twins.length - 3} more` : twins.join(', ')
  context.out.message(`${names}: online already, and two boards with one id push each other off the broker; try: --prefix load-`)
}

function prefixOf(prefix: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,25}$/.test(prefix)) return prefix
  throw badInput(`--prefix is "${prefix}"`, '1 to 26 letters, digits, _ or -, beginning with a letter or digit')
}

/** The one that the server in the data directory uses. */
function externalBroker(context: Context): BrokerAddress {
  const { mqtt, broker } = context.run()!
  const { url, ca, cert, key } = broker!
  return {
    ...mqtt,
    tls: url.startsWith('mqtts:'),
    ...(ca !== null && { ca: readSecret(ca, 'broker_ca') }),
    ...(cert !== null && { cert: readSecret(cert, 'broker_cert') }),
    ...(key !== null && { key: readSecret(key, 'broker_key') }),
  }
}

function brokerOf(context: Context, text: string | undefined, ca: string | undefined): BrokerAddress {
  if (text === undefined) return context.run()?.mqtt ?? { host: '127.0.0.1', port: 1883 }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || (url.protocol !== 'mqtt:' && url.protocol !== 'mqtts:') || url.hostname === '')
    throw badInput(`--broker is ${text}`, 'mqtt://HOST:PORT or mqtts://HOST:PORT')
  if (url.username !== '' || url.password !== '')
    throw badInput('--broker has credentials in it, which every user of the machine can read', '--username and --password-file')
  const tls = url.protocol === 'mqtts:'
  const address = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (tls ? 8883 : 1883) : Number(url.port),
    tls,
  }
  return ca === undefined ? address : { ...address, ca: readSecret(ca, '--ca') }
}

const progressLine = (connected: number, r: SimReport): string =>
  `${Math.round(r.seconds)} s: ${connected} of ${r.nodes} connected, ${r.attempted} readings, ${r.acknowledged} acknowledged, ${r.receipted} receipted, ${r.dropped} dropped`

function reportText(r: SimReport, style: Style): string {
  const executed = Object.values(r.commands_executed).reduce((a, b) => a + b, 0)
  return facts(
    [
      ['nodes', String(r.nodes)],
      ['seconds', String(r.seconds)],
      ['readings', String(r.attempted)],
      ['acknowledged', String(r.acknowledged)],
      ['receipted', String(r.receipted)],
      ['dropped', r.dropped > 0 ? style.warn(String(r.dropped)) : '0'],
      ['commands', `${executed} executed`],
    ],
    style,
  )
}
