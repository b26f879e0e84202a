import type { IPublishPacket } from 'mqtt'
import { payloadWithoutSecrets } from '../../contract/secrets.ts'
import { type Context, startAdvice } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, type Exit, exits } from '../errors.ts'
import { localTime } from '../output.ts'
import { duration, wholeNumber } from '../values.ts'

interface Flags {
  readonly count?: string
  readonly for?: string
  readonly qos: string
}

export const defineSub: Define = (program, run) => {
  program
    .command('sub <FILTER>')
    .description('messages of the broker as they pass, as _manager')
    .option('--count <N>', 'end after N messages')
    .option('--for <TIME>', 'end after this time, such as 10s')
    .option('--qos <Q>', '0, 1 or 2', '1')
    .addHelpText('after', examples("espalier sub 'iot/#'", "espalier sub 'iot/node/+/telemetry' --json --count 5"))
    .action((filter: string, flags: Flags) => run(context => subscribe(context, filter, flags)))
}

export function checkFilter(filter: string): void {
  if (wellFormed(filter)) return
  throw badInput(`"${filter}" is no filter`, 'levels joined by /; + is a whole level, # the last one', "espalier sub 'iot/#'")
}

async function subscribe(context: Context, filter: string, flags: Flags): Promise<Exit> {
  const count = flags.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber(flags.count, '--count', 1, 1e9)
  const forMs = flags.for === undefined ? undefined : duration(flags.for, '--for')
  const qos = wholeNumber(flags.qos, '--qos', 0, 2) as 0 | 1 | 2
  checkFilter(filter)
  const { ending } = await import('./watch.ts')
  const { connectAsManager } = await import('../manager-connection.ts')
  const client = await connectAsManager(context)
  const end = ending(context.ended, forMs)
  let seen = 0
  let lost = false
  client.on('message', (topic, payload, packet) => {
    if (seen >= count) return
    print(context, topic, payload, packet)
    if (++seen >= count) end.stop()
  })
  client.on('close', () => {
    lost = !end.signal.aborted
    end.stop()
  })
  client.on('error', () => {}) // a close follows
  try {
    const granted = await client.subscribeAsync(filter, { qos }).catch(() => {
      if (!client.connected) throw brokerGone()
      throw notGranted(filter)
    })
    if (granted.some(g => g.qos > 2)) throw notGranted(filter)
    await new Promise<void>(resolve => {
      if (end.signal.aborted) resolve()
      else end.signal.addEventListener('abort', () => resolve(), { once: true })
    })
  } finally {
    end.stop()
    await client.endAsync(true)
  }
  if (lost) throw brokerGone()
  return Number.isFinite(count) && seen < count && !context.ended.aborted ? exits.timedOut : exits.done
}

/** MQTT-4.7.1: one that is not is a protocol error, for which the broker would close the connection. */
const wellFormed = (filter: string): boolean =>
  filter !== '' && !filter.includes('\0') && /^([^+#/]*|\+)(\/([^+#/]*|\+))*(\/#)?$|^#$/.test(filter)

const notGranted = (filter: string): CliError =>
  new CliError(
    exits.refused,
    'not_subscribed',
    `the broker did not grant "${filter}"; allowed: filters that begin with iot/ or $SYS/`,
    "espalier sub 'iot/#'",
  )

const brokerGone = (): CliError =>
  new CliError(exits.unreachable, 'unreachable', 'the broker closed the connection', ...startAdvice)

function print({ out, nowMs }: Context, topic: string, payload: Buffer, packet: IPublishPacket): void {
  const plain = textOf(payload)
  const text = plain && payloadWithoutSecrets(topic, plain)
  const { qos, retain } = packet
  const time = nowMs()
  if (out.json)
    out.value({
      topic,
      ...(text === undefined ? { payload_base64: payload.toString('base64') } : { payload: text }),
      qos,
      retain,
      time,
    })
  else
    out.line(
      `${out.style.dim(localTime(time, true))}  ${out.style.bold(topic)}${retain ? out.style.dim(' retained') : ''}  ${text ?? `${payload.length} bytes ${payload.toString('base64')}`}`,
    )
}

/** undefined: not UTF-8. */
function textOf(payload: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(payload)
  } catch {
    return undefined
  }
}
