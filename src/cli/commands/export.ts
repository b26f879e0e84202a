import type { ExportRequest } from '../../api/client.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'
import { exportFile } from '../export-file.ts'
import { type Passed, progressText, watched } from '../progress.ts'
import { oneOf, pointInTime } from '../values.ts'

interface Flags {
  readonly node?: string[]
  readonly sensor?: string[]
  readonly from?: string
  readonly to?: string
  readonly format?: string
  readonly out?: string
  readonly rollup?: string
}

export const defineExport: Define = (program, run) => {
  program
    .command('export')
    .description('stored readings as CSV, JSON lines or Parquet')
    .option('--node <ID...>', 'only these nodes')
    .option('--sensor <S...>', 'only these sensors')
    .option('--from <T>', 'from this time, inclusive: ISO 8601, Unix seconds, or -24h')
    .option('--to <T>', 'to this time, exclusive')
    .option('--format <F>', 'csv, jsonl or parquet (default: as the name of FILE ends, else csv; jsonl with --json)')
    .option('--out <FILE>', 'into this file instead of stdout')
    .option('--rollup <R>', 'raw, or min, mean, max and count by 1m or 1h')
    .addHelpText(
      'after',
      examples(
        'espalier export --node sim-1 --format csv',
        'espalier export --from -24h --sensor temperature --out day.csv',
        'espalier export --format parquet --out all.parquet',
        'espalier export --rollup 1h --from 2024-01-01 --out hours.csv',
      ),
    )
    .action((flags: Flags) => run(context => exportReadings(context, flags)))
}

const formats = ['csv', 'jsonl', 'parquet'] as const

/** A file called all.parquet with CSV in it would open nowhere. */
const formatOfName = (file: string | undefined): (typeof formats)[number] | undefined =>
  formats.find(format => file?.toLowerCase().endsWith(`.${format}`))

async function exportReadings(context: Context, flags: Flags): Promise<void> {
  const { out, nowMs } = context
  const format =
    flags.format === undefined
      ? (formatOfName(flags.out) ?? (out.json ? 'jsonl' : 'csv'))
      : oneOf(flags.format, '--format', formats)
  if (format === 'parquet' && flags.out === undefined && out.terminal)
    throw badInput(
      'Parquet is no text for a terminal',
      'a file or a pipe',
      'espalier export --format parquet --out readings.parquet',
    )
  const request: ExportRequest = {
    format,
    ...(flags.node && { node: flags.node }),
    ...(flags.sensor && { sensor: flags.sensor }),
    ...(flags.from !== undefined && { from: pointInTime(flags.from, '--from', nowMs()) }),
    ...(flags.to !== undefined && { to: pointInTime(flags.to, '--to', nowMs()) }),
    ...(flags.rollup !== undefined && { rollup: oneOf(flags.rollup, '--rollup', ['raw', '1m', '1h'] as const) }),
  }
  const client = await context.client()
  const response = await client.export(request, context.ended)
  if (!response.body) throw new CliError(exits.internal, 'internal', 'the server sent an empty answer')
  const passed: Passed = { rows: format === 'parquet' ? null : 0, bytes: 0 }
  // Between rows on the same terminal a line that moves would be in the way.
  const show = flags.out === undefined && out.terminal ? () => {} : out.progress
  const pieces = watched(response.body, passed, { header: format === 'csv', nowMs, show })
  const begun = nowMs()
  try {
    if (flags.out === undefined) for await (const piece of pieces) await out.bytes(piece)
    else {
      await exportFile(flags.out, pieces)
      out.message(`${flags.out}: ${progressText(passed, nowMs() - begun)}`)
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code?.startsWith('E') && code !== 'ECONNRESET') throw error
    throw new CliError(
      exits.unreachable,
      'cut_short',
      `the export was cut off: ${(error as Error).message}`,
      'run it again; what is on stdout so far is not all',
    )
  }
}
