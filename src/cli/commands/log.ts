import type { IPublishPacket, MqttClient } from 'mqtt'
import { parseBytes } from '../../config/units.ts'
import { payloadWithoutSecrets } from '../../contract/secrets.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'
import { connectAsManager } from '../manager-connection.ts'
import type { LineWriter } from '../message-log/writer.ts'
import { duration, wholeNumber } from '../values.ts'
import { checkFilter } from './sub.ts'

interface Flags {
  readonly dir: string
  readonly topic?: readonly string[]
  readonly rotate: string
  readonly maxFile: string
  readonly keep: string
  readonly maxBytes: string
}

export const defineLog: Define = (program, run) => {
  program
    .command('log')
    .description('write all messages to files: JSON lines, rotated, compressed, bounded')
    .requiredOption('--dir <D>', 'folder of the files')
    .option('--topic <F>', 'only topics that match this filter; may be repeated (default iot/#)', collect)
    .option('--rotate <TIME>', 'begin a new file after this time', '1d')
    .option('--max-file <BYTES>', 'begin a new file at this size', '64MiB')
    .option('--keep <N>', 'compressed files to keep', '30')
    .option('--max-bytes <BYTES>', 'what all files may take; the oldest go', '1GiB')
    .addHelpText(
      'after',
      `
A line is {"time","topic","payload"|"payload_base64","qos","retain"}, time in Unix milliseconds of arrival. What could not be seen
or written is a line too: {"time","gap":{…}}. It runs until Ctrl-C or SIGTERM and goes on by itself when the server was away.
${examples('espalier log --dir messages', "espalier log --dir messages --topic 'iot/node/+/telemetry' --rotate 1h --keep 48")}`,
    )
    .action((flags: Flags) => run(context => log(context, flags)))
}

const collect = (value: string, before: readonly string[] = []): string[] => [...before, value]

const flushEveryMs = 250
const waitsMs = [250, 500, 1_000, 2_000, 5_000]

async function log(context: Context, flags: Flags): Promise<void> {
  const filters = [...(flags.topic ?? ['iot/#'])]
  filters.forEach(checkFilter)
  const bounds = boundsOf(flags)
  const first = await connectAsManager(context) // nobody there: said before a file is made
  const { LineWriter } = await import('../message-log/writer.ts')
  const writer = await LineWriter.open({
    dir: flags.dir,
    ...bounds,
    pid: process.pid,
    nowMs: context.nowMs,
    isAlive,
    say: text => context.out.message(text),
  }).catch(async error => {
    await first.endAsync(true)
    throw error
  })
  context.out.message(`writing ${filters.join(', ')} to ${flags.dir}`)
  const timer = setInterval(() => void writer.flush(), flushEveryMs)
  try {
    await follow(context, first, filters, writer)
  } finally {
    clearInterval(timer)
    await writer.close()
  }
}

function boundsOf(flags: Flags) {
  const rotateMs = duration(flags.rotate, '--rotate')
  if (rotateMs < 1_000) throw badInput(`--rotate is ${flags.rotate}`, 'at least 1s')
  const fileBytes = size(flags.maxFile, '--max-file', 1024)
  const maxBytes = size(flags.maxBytes, '--max-bytes', 2 * 1024)
  if (fileBytes * 2 > maxBytes)
    throw badInput(`--max-file ${flags.maxFile} with --max-bytes ${flags.maxBytes}`, '--max-file of at most half of --max-bytes')
  return { rotateMs, fileBytes, maxBytes, keep: wholeNumber(flags.keep, '--keep', 1, 100_000) }
}

function size(text: string, name: string, low: number): number {
  const bytes = parseBytes(text)
  if (bytes !== null && bytes !== undefined && Number.isFinite(bytes) && bytes >= low) return bytes
  throw badInput(`${name} is ${text}`, `bytes with a unit from ${low}, such as 64MiB`)
}

/** Over as many connections as it takes, until the process is told to end. */
async function follow(context: Context, first: MqttClient, filters: readonly string[], writer: LineWriter): Promise<void> {
  let client: MqttClient | null = first
  let awaySince: number | null = null
  for (let attempt = 0; !context.ended.aborted; ) {
    if (client !== null) {
      const subscribed = await listen(context, client, filters, writer, awaySince).catch(error => {
        if (awaySince === null) throw error
        return false
      })
      if (subscribed) attempt = 0
      if (context.ended.aborted) return
      if (subscribed) {
        awaySince = context.nowMs()
        context.out.message('the connection is gone, trying again')
      }
    }
    await pause(context.ended, waitsMs[Math.min(attempt++, waitsMs.length - 1)]!)
    client = context.ended.aborted ? null : await connectAsManager(context).catch(() => null)
  }
}

/** One connection, to its end. Answers whether it came to listen. */
async function listen(
  context: Context,
  client: MqttClient,
  filters: readonly string[],
  writer: LineWriter,
  awaySince: number | null,
): Promise<boolean> {
  const gone = new Promise<void>(resolve => client.once('close', () => resolve()))
  client.on('error', () => {}) // a close follows
  client.on('message', (topic, payload, packet) => writer.add(lineOf(context.nowMs(), topic, payload, packet)))
  const end = (): void => void client.endAsync(true)
  context.ended.addEventListener('abort', end, { once: true })
  try {
    const granted = await client.subscribeAsync([...filters], { qos: 1 })
    const refused = granted.find(({ qos }) => qos > 2)
    if (refused !== undefined) throw notGranted(refused.topic)
    if (awaySince !== null) {
      const to = context.nowMs()
      writer.add({ time: to, gap: { from: awaySince, to, why: 'not connected' } })
      context.out.message(`connected again; nothing was seen for ${Math.round((to - awaySince) / 100) / 10} s`)
    }
    await gone
    return true
  } catch (error) {
    if (context.ended.aborted) return false
    // mqtt.js says it in its own way when all of the filters were refused.
    if (!(error instanceof CliError) && client.connected) throw notGranted(filters.join(', '))
    throw error
  } finally {
    context.ended.removeEventListener('abort', end)
    await client.endAsync(true)
  }
}

const notGranted = (filter: string): CliError =>
  new CliError(
    exits.refused,
    'not_subscribed',
    `the broker did not grant "${filter}"; allowed: filters that begin with iot/ or $SYS/`,
  )

function lineOf(time: number, topic: string, payload: Buffer, { qos, retain }: IPublishPacket): object {
  const text = textOf(payload)
  return {
    time,
    topic,
    ...(text === null ? { payload_base64: payload.toString('base64') } : { payload: payloadWithoutSecrets(topic, text) }),
    qos,
    retain,
  }
}

/** null: not UTF-8. */
function textOf(payload: Buffer): string | null {
  try {
    return utf8.decode(payload)
  } catch {
    return null
  }
}
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function pause(ended: AbortSignal, ms: number): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer)
      ended.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    ended.addEventListener('abort', done, { once: true })
  })
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
