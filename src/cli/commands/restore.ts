import type { Checked, Restored } from '../../manager/restore.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, exits } from '../errors.ts'
import { facts, localTime } from '../output.ts'

export const defineRestore: Define = (program, run) => {
  program
    .command('restore')
    .description('put a backup in the place of the data directory (up must be stopped)')
    .argument('<FILE>', 'what `espalier backup` made')
    .option('--check', 'only check the file and say what is in it')
    .addHelpText(
      'after',
      `
The whole file is checked before anything is replaced. What was in the data directory stays beside it, as DATA.before-restore-TIME.
${examples('espalier restore house.espalier --check', 'espalier restore house.espalier', 'espalier restore house.espalier --data /var/lib/espalier')}`,
    )
    .action((file: string, flags: { check?: boolean }) =>
      run(context => (flags.check ? checkFile(context, file) : restoreFile(context, file))),
    )
}

async function checkFile(context: Context, file: string): Promise<void> {
  const manager = await import('../../manager/restore.ts')
  const checked = await manager.checkBackup(file).catch(error => {
    throw explained(error, file, context.data)
  })
  context.out.result(viewOf(file, checked), () => `${context.out.style.good('whole')}\n${told(context, file, checked)}`)
}

async function restoreFile(context: Context, file: string): Promise<void> {
  const { data, out } = context
  const manager = await import('../../manager/restore.ts')
  const restored = await manager.restore(file, data).catch(error => {
    throw explained(error, file, data)
  })
  const view = { ...viewOf(file, restored), data, before: restored.before }
  out.result(view, () => `${out.style.good('restored')} into ${data}\n${told(context, file, restored)}`)
  if (restored.before !== null)
    out.message(`What was there before is in ${restored.before}: remove it when all is well, or rename it back to undo this.`)
  out.message('Start it: espalier up')
}

const viewOf = (file: string, { contents, bytes, sha256 }: Checked | Restored) => ({
  file,
  bytes,
  sha256,
  readings: contents.readings,
  nodes: contents.nodes,
  created: contents.created,
  espalier: contents.espalier,
  files: contents.entries.length,
})

function told({ out }: Context, file: string, { contents, bytes, sha256 }: Checked): string {
  const named = (prefix: string) => contents.entries.filter(entry => entry.path.startsWith(prefix)).length
  const rest = contents.entries.map(entry => entry.path).filter(path => !path.includes('/') && path !== 'records')
  return facts(
    [
      ['file', file],
      ['made', `${localTime(contents.created)} by espalier ${contents.espalier}`],
      ['readings', contents.readings.toLocaleString('en')],
      ['nodes', String(contents.nodes)],
      ['bytes', bytes.toLocaleString('en')],
      ['sha256', sha256],
      [
        'holds',
        [
          `${named('readings/') - 1} Parquet files`,
          `${named('journal/')} journal segments`,
          'records',
          ...rest.map(path => (path === 'broker' ? 'MQTT sessions' : path)),
          ...(named('keys/') > 0 ? ['the key of firmware'] : []),
          ...(named('ca/') > 0 ? ['CA and certificates'] : []),
        ].join(', '),
      ],
    ],
    out.style,
  )
}

/** By name: the classes live in modules that are loaded late. */
function explained(error: unknown, file: string, data: string): unknown {
  if (!(error instanceof Error)) return error
  switch (error.name) {
    case 'RecordsLocked':
      return new CliError(
        exits.dataInUse,
        'data_in_use',
        `an espalier runs in ${data}; nothing was changed`,
        'stop that one (Ctrl-C, or systemctl --user stop espalier), then again',
        `into another directory: espalier restore ${file} --data DIR`,
      )
    case 'BadBackup':
      return new CliError(
        exits.usage,
        (error as Error & { code: string }).code,
        `${file}: ${error.message}. Nothing was changed`,
        'another copy or an older backup; espalier restore FILE --check tells whether one is whole',
      )
    case 'IsMountPoint':
      return new CliError(exits.usage, 'mount_point', error.message, `a folder in it: --data ${data}/espalier, here and for up`)
    case 'NoRoom':
      return new CliError(exits.usage, 'disk_full', error.message, 'make room (df -h), or another disk: --data DIR')
    default:
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC')
        return new CliError(exits.usage, 'disk_full', 'the disk became full; nothing was changed', 'make room (df -h)')
      return error
  }
}
