import { existsSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../../kit/durable-file.ts'
import { setSchedule } from '../backup-schedule.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'

interface Flags {
  readonly force?: boolean
  readonly schedule?: string
  readonly every?: string
  readonly keep?: string
}

export const defineBackup: Define = (program, run) => {
  program
    .command('backup')
    .description('everything that is kept, as one file, while up runs; or a schedule for that')
    .argument('[FILE]', 'the file to make')
    .option('--force', 'replace FILE if it is there')
    .option('--schedule <DIR>', 'make backups into this folder by itself from now on; off ends it')
    .option('--every <TIME>', 'with --schedule: how often (default 1d)')
    .option('--keep <N>', 'with --schedule: how many are kept (default 7)')
    .addHelpText(
      'after',
      `
The file holds readings, nodes, commands, identities, the CA and the token: keep it as you keep a key.
${examples('espalier backup house.espalier', 'espalier backup --schedule /mnt/usb/espalier --every 1d --keep 7', 'espalier backup --schedule off', 'espalier restore house.espalier --check')}`,
    )
    .action((file: string | undefined, flags: Flags) => run(context => backup(context, file, flags)))
}

async function backup(context: Context, file: string | undefined, flags: Flags): Promise<void> {
  if ((file === undefined) === (flags.schedule === undefined))
    throw badInput('a backup needs a FILE, or --schedule DIR', 'one of both', 'espalier backup house.espalier')
  if (flags.schedule === undefined && (flags.every !== undefined || flags.keep !== undefined))
    throw badInput('--every and --keep are for a schedule', '--schedule DIR with them')
  if (flags.schedule !== undefined) return setSchedule(context, flags.schedule, flags)
  return backupInto(context, file!, flags.force === true)
}

async function backupInto(context: Context, file: string, force: boolean): Promise<void> {
  if (!force && existsSync(file))
    throw new CliError(exits.usage, 'file_exists', `${file} is there already`, 'another name, or --force to replace it')
  const response = await asked(context)
  if (!response.body) throw new CliError(exits.internal, 'internal', 'the server sent an empty answer')
  const { checkBackup } = await import('../../manager/restore.ts')
  const part = `${file}.part`
  try {
    await download(part, response.body)
    const { bytes, sha256, contents } = await checkBackup(part)
    await rename(part, file)
    await syncFolder(dirname(file))
    const result = { file, bytes, sha256, readings: contents.readings }
    context.out.result(
      result,
      () => `${file}: ${contents.readings.toLocaleString('en')} readings, ${bytes.toLocaleString('en')} bytes\nsha256 ${sha256}`,
    )
    context.out.message('It holds the token and the key of the CA: keep it as you keep a key.')
  } catch (error) {
    await rm(part, { force: true })
    throw cutShort(error)
  }
}

async function asked(context: Context): Promise<Response> {
  try {
    return await (await context.client()).backup(context.ended)
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string }
    throw name === 'Unreachable' || code === 'unreachable' ? stopped(error as Error) : error
  }
}

async function download(part: string, body: AsyncIterable<Uint8Array>): Promise<void> {
  await rm(part, { force: true }) // of one that was killed; its rights may be others'
  const out = await open(part, 'wx', 0o600).catch(error => {
    throw Object.assign(error, { path: part })
  })
  try {
    for await (const piece of body) await out.writeFile(piece)
    await out.sync()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw Object.assign(error as Error, { path: part })
    throw error
  } finally {
    await out.close()
  }
}

const stopped = (error: Error): CliError =>
  new CliError(
    exits.unreachable,
    'unreachable',
    error.message,
    'a backup is made by the server that runs: espalier up',
    'the data directory of a stopped one can simply be copied: cp -a DATA COPY',
  )

/** Of the disk: said as it is. Everything else is a stream that did not come to its end. */
function cutShort(error: unknown): unknown {
  const { code, name, message } = error as NodeJS.ErrnoException
  if (code !== undefined && /^E[A-Z]+$/.test(code) && code !== 'ECONNRESET') return error
  const why = name === 'BadBackup' ? 'the server gave up; its log says why' : message
  return new CliError(exits.unreachable, 'cut_short', `no backup was made: ${why}`, 'run it again')
}
