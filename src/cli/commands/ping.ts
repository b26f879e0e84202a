import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { type Exit, exits } from '../errors.ts'
import { duration, wholeNumber } from '../values.ts'
import { settled } from './send.ts'

export const definePing: Define = (program, run) => {
  program
    .command('ping <ID>')
    .description('how long a command takes to a node and back')
    .option('--count <N>', 'how many', '4')
    .option('--timeout <S>', 'seconds to wait for each', '10')
    .addHelpText('after', examples('espalier ping sim-1', 'espalier ping 01 --count 1 --json'))
    .action((id: string, flags: { count: string; timeout: string }) => run(context => ping(context, id, flags)))
}

async function ping(context: Context, id: string, flags: { count: string; timeout: string }): Promise<Exit> {
  const { out } = context
  const count = wholeNumber(flags.count, '--count', 1, 1_000)
  const timeoutMs = duration(flags.timeout, '--timeout')
  const client = await context.client()
  const ms: number[] = []
  let sent = 0
  while (sent < count && !context.ended.aborted) {
    const startedMs = performance.now()
    const command = await client.send(id, { command: 'ping', expires: Math.max(1, Math.ceil(timeoutMs / 1_000)) })
    sent++
    const last = await settled(context, command, timeoutMs)
    const tookMs = Math.round(performance.now() - startedMs)
    if (last.state === 'done') ms.push(tookMs)
    if (!out.json)
      out.line(
        last.state === 'done' ? `${id}: ${tookMs} ms` : `${id}: ${last.state}${last.error ? ` (${last.error.message})` : ''}`,
      )
  }
  out.result({ node: id, sent, received: ms.length, ms }, () => `${ms.length} of ${sent} answered${summary(ms)}`)
  return ms.length > 0 ? exits.done : exits.timedOut
}

function summary(ms: readonly number[]): string {
  if (ms.length === 0) return ''
  const mean = Math.round(ms.reduce((a, b) => a + b, 0) / ms.length)
  return `, ${Math.min(...ms)} ms at least, ${mean} ms on average, ${Math.max(...ms)} ms at most`
}
