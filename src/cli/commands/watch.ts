import type { ApiEvent, LiveReading } from '../../api/events.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { type Exit, exits } from '../errors.ts'
import { fieldsText, localTime } from '../output.ts'
import { duration, wholeNumber } from '../values.ts'

interface Flags {
  readonly sensor?: string
  readonly count?: string
  readonly for?: string
}

export const defineWatch: Define = (program, run) => {
  program
    .command('watch [ID]')
    .description('readings as they become durable, of one node or of all')
    .option('--sensor <S>', 'only this sensor')
    .option('--count <N>', 'end after N readings')
    .option('--for <TIME>', 'end after this time, such as 10s')
    .addHelpText(
      'after',
      examples('espalier watch', 'espalier watch sim-1 --sensor temperature', 'espalier watch --json --count 3'),
    )
    .action((id: string | undefined, flags: Flags) => run(context => watch(context, id, flags)))
}

async function watch(context: Context, id: string | undefined, flags: Flags): Promise<Exit> {
  const count = flags.count === undefined ? Number.POSITIVE_INFINITY : wholeNumber(flags.count, '--count', 1, 1e9)
  const end = ending(context.ended, flags.for === undefined ? undefined : duration(flags.for, '--for'))
  let seen = 0
  let told: Promise<void> | undefined
  for await (const event of liveEvents(context, {
    ...(id !== undefined && { node: id }),
    types: ['readings'],
    signal: end.signal,
    opened: () => {
      if (id !== undefined) told ??= tellIfUnknown(context, id)
    },
  })) {
    if (event.type === 'gap') context.out.message(`${event.data.missed} events were missed`)
    if (event.type !== 'readings') continue
    for (const reading of event.data) {
      const shown = only(reading, flags.sensor)
      if (!shown) continue
      print(context, shown)
      if (++seen >= count) {
        end.stop()
        await told
        return exits.done
      }
    }
  }
  end.stop()
  if (!context.ended.aborted) await told
  return Number.isFinite(count) && !context.ended.aborted ? exits.timedOut : exits.done
}

/** An id with a typing error would be silence for ever; one that is yet to speak may be waited for. */
async function tellIfUnknown(context: Context, id: string): Promise<void> {
  const client = await context.client()
  await client.node(id).catch(error => {
    if ((error as { status?: number }).status === 404)
      context.out.message(`no node has the id "${id}" yet; waiting for its first reading (espalier nodes lists those that spoke)`)
  })
}

function only(reading: LiveReading, sensor: string | undefined): LiveReading | undefined {
  if (sensor === undefined) return reading
  const value = reading.fields[sensor]
  return value === undefined ? undefined : { ...reading, fields: { [sensor]: value } }
}

function print({ out }: Context, { node, time, fields, boot, seq }: LiveReading): void {
  if (out.json) out.value({ node, time, fields, boot, seq })
  else out.line(`${out.style.dim(localTime(time, true))}  ${out.style.bold(node)}  ${fieldsText(fields)}`)
}

/** A signal that ends with the process's, or after `ms`. */
export function ending(ended: AbortSignal, ms: number | undefined): { signal: AbortSignal; stop(): void } {
  const controller = new AbortController()
  const stop = (): void => {
    clearTimeout(timer)
    ended.removeEventListener('abort', stop)
    controller.abort()
  }
  const timer = ms === undefined ? undefined : setTimeout(stop, ms)
  ended.addEventListener('abort', stop, { once: true })
  if (ended.aborted) stop()
  return { signal: controller.signal, stop }
}

/** Events from the server. A first connection that fails is an error; one that breaks later is told and made again. */
export async function* liveEvents(
  context: Context,
  options: { node?: string; types: readonly ('readings' | 'command' | 'message')[]; signal: AbortSignal; opened?: () => void },
): AsyncGenerator<ApiEvent, void> {
  const client = await context.client()
  const inner = new AbortController()
  const abort = (): void => inner.abort()
  options.signal.addEventListener('abort', abort, { once: true })
  let wasOpen = false
  let failure: unknown
  const onConnection = (open: boolean, why?: unknown): void => {
    if (open) {
      if (wasOpen) context.out.message('connected again')
      wasOpen = true
      options.opened?.()
    } else if (wasOpen) context.out.message('the connection is gone, trying again')
    else {
      failure = why
      inner.abort()
    }
  }
  try {
    const { node, types } = options
    yield* client.events({ ...(node !== undefined && { node }), types, signal: inner.signal, onConnection })
  } catch (error) {
    if (!options.signal.aborted) throw error
  } finally {
    options.signal.removeEventListener('abort', abort)
    inner.abort()
  }
  if (failure !== undefined) throw failure
}
