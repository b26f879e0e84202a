import type { LogLine } from '../../api/messages.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { localTime, type Output } from '../output.ts'
import { wholeNumber } from '../values.ts'

interface Flags {
  readonly limit: string
  readonly follow?: boolean
}

export const defineLogs: Define = (program, run) => {
  program
    .command('logs <ID>')
    .description('the last log lines of a node (its topic iot/node/ID/log), oldest first')
    .option('--limit <N>', 'how many', '200')
    .option('-f, --follow', 'go on with new ones as they come')
    .addHelpText(
      'after',
      `\nThe server keeps the last 200 lines of each node, until it is stopped.\n${examples('espalier logs greenhouse', 'espalier logs 01 --follow')}`,
    )
    .action((id: string, flags: Flags) => run(context => logs(context, id, flags)))
}

async function logs(context: Context, id: string, flags: Flags): Promise<void> {
  const limit = wholeNumber(flags.limit, '--limit', 1, 200)
  const { out } = context
  const client = await context.client()
  const before = async (): Promise<LogLine[]> => (await client.logs(id)).slice(0, limit).reverse()
  if (!flags.follow) {
    const lines = await before()
    out.result(lines, () =>
      lines.length === 0 ? `${id} has sent no log lines.` : lines.map(line => lineText(line, out)).join('\n'),
    )
    return
  }
  const print = (line: LogLine): void => (out.json ? out.value(line) : out.line(lineText(line, out)))
  // Asked once the stream is open, so that nothing falls between the two.
  let shown: Promise<void> | undefined
  const seen = new Set<string>()
  const { liveEvents } = await import('./watch.ts')
  const options = { node: id, types: ['message'] as const, signal: context.ended }
  const opened = (): void =>
    void (shown ??= before().then(lines => {
      for (const line of lines) {
        seen.add(`${line.time} ${line.msg}`)
        print(line)
      }
    }))
  let told = 0
  for await (const event of liveEvents(context, { ...options, opened })) {
    await shown
    if (event.type !== 'message') continue
    const { verdict, time, reason, raw, left_out } = event.data
    told += left_out
    if (verdict !== 'log') continue
    if (told > 0) out.message(`${told} messages came too fast to be shown`)
    told = 0
    const line = { time, sent: null, level: reason, msg: raw ?? '' }
    if (!seen.has(`${time} ${line.msg}`)) print(line)
  }
}

function lineText({ time, level, msg }: LogLine, { style }: Output): string {
  const mark =
    level === null
      ? ''
      : `${/^(error|fatal)/i.test(level) ? style.bad(level) : /^warn/i.test(level) ? style.warn(level) : style.dim(level)}  `
  return `${style.dim(localTime(time, true))}  ${mark}${msg}`
}
