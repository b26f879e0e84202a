import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { replaceFile } from '../kit/durable-file.ts'
import { configError, configPath } from './configuration.ts'
import type { Context } from './context.ts'
import { badInput, CliError, exits } from './errors.ts'

/** `backup --schedule`: the schedule is a setting, so it is written into the configuration, where people look for it, with everything
 *  else in the file as it was. The server that runs takes it over at once. */
export async function setSchedule(context: Context, dir: string, flags: { every?: string; keep?: string }): Promise<void> {
  if (context.flags.url !== undefined)
    throw badInput('--schedule with --url', 'the schedule is set on the machine where espalier runs, in its espalier.yaml')
  const folder = dir === 'off' ? null : resolve(dir)
  const { path } = configPath(context)
  const text = await changed(path, folder, flags)
  if (folder !== null)
    await mkdir(folder, { recursive: true, mode: 0o700 }).catch(error => {
      throw Object.assign(error, { path: folder })
    })
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  await replaceFile(path, text)
  const result = { file: path, dir: folder, ...(await inForce(context)) }
  context.out.result(result, () =>
    folder === null ? `no more scheduled backups (${path})` : `backups go into ${folder} (${path})`,
  )
  context.out.message(
    result.running
      ? 'The server that runs has taken it over.'
      : 'It is taken over at the next start, or by `espalier config reload`.',
  )
}

/** The file's text with the schedule in it; refused as `up` would refuse it. */
async function changed(path: string, folder: string | null, flags: { every?: string; keep?: string }): Promise<string> {
  const { parseDocument } = await import('yaml')
  const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
  const document = parseDocument(before)
  if (document.errors.length > 0)
    throw new CliError(
      exits.usage,
      'bad_config',
      `${path}: ${document.errors[0]!.message.split('\n')[0]}`,
      'espalier config check',
    )
  if (folder === null) document.deleteIn(['backup', 'dir'])
  else document.setIn(['backup', 'dir'], folder)
  if (flags.every !== undefined) document.setIn(['backup', 'every'], flags.every)
  if (flags.keep !== undefined) document.setIn(['backup', 'keep'], /^\d+$/.test(flags.keep) ? Number(flags.keep) : flags.keep)
  const text = String(document)
  const { loadFile, resolveUp } = await import('../config/config.ts')
  const loaded = loadFile(text, path)
  if (!loaded.ok) throw await configError(loaded.problems)
  // Only this file's schedule: what flags and environment say, or a secret that isn't here, is none of this command's business.
  const entries = new Map([...loaded.file.entries].filter(([key]) => key.startsWith('backup.')))
  const file = { ...loaded.file, entries, trees: new Map() }
  const checked = resolveUp({ data: '', flags: {}, env: {}, file, readSecret: () => ({ ok: true, value: '' }) })
  if (!checked.ok) {
    // What was just typed stands in no line of the file.
    for (const { key, allowed } of checked.problems)
      for (const flag of ['every', 'keep'] as const)
        if (key === `backup.${flag}` && flags[flag] !== undefined) throw badInput(`--${flag} is ${flags[flag]} (${key})`, allowed)
    throw await configError(checked.problems)
  }
  return text
}

async function inForce(context: Context): Promise<{ running: boolean }> {
  if (context.run() === undefined) return { running: false }
  const client = await context.client()
  return client.reloadConfig().then(
    () => ({ running: true }),
    () => ({ running: false }),
  )
}
