import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Context } from '../context.ts'
import { CliError, exits } from '../errors.ts'

/** The programs that build and write firmware. They are other people's: found in PATH, or in PlatformIO's own place. */
export interface FlashTools {
  /** PlatformIO; null: nothing is built here. */
  readonly build: readonly string[] | null
  /** esptool, as words of a command line. */
  readonly write: readonly string[]
}

export function findTools({ env }: Pick<Context, 'env'>): FlashTools {
  const places = [
    ...(env.PATH ?? '').split(delimiter).filter(Boolean),
    ...(env.HOME ? [join(env.HOME, '.platformio/penv/bin')] : []),
  ]
  const find = (...names: string[]): string | undefined =>
    names.flatMap(name => places.map(place => join(place, name))).find(isProgram)
  const pio = find('pio', 'platformio')
  const esptool = find('esptool', 'esptool.py')
  if (esptool === undefined && pio === undefined)
    throw new CliError(
      exits.usage,
      'no_tool',
      'neither esptool (writes to a board) nor PlatformIO (builds the firmware, brings esptool) is installed',
      'pipx install platformio',
      'or, for firmware that is built already: pipx install esptool',
    )
  return {
    build: pio === undefined ? null : [pio, 'run', '--environment', 'esp32dev'],
    write: esptool === undefined ? [pio!, 'pkg', 'exec', '--package', 'tool-esptoolpy', '--', 'esptool'] : [esptool],
  }
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Runs it to its end; what it says goes to stderr. Ended with us. */
export function runTool({ out, ended }: Context, words: readonly string[], cwd?: string): Promise<void> {
  const [program, ...args] = words
  return new Promise((done, failed) => {
    const child = spawn(program!, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    const say = (piece: Buffer): void => out.message(piece.toString().trimEnd())
    child.stdout.on('data', say)
    child.stderr.on('data', say)
    const stop = (): void => void child.kill()
    ended.addEventListener('abort', stop, { once: true })
    child.on('error', error => failed(new CliError(exits.internal, 'tool_failed', `${program}: ${error.message}`)))
    child.on('close', code => {
      ended.removeEventListener('abort', stop)
      if (code === 0) done()
      else
        failed(
          new CliError(
            exits.refused,
            'tool_failed',
            `${program} ended with ${code ?? 'a signal'}; what it said stands above`,
            'hold the BOOT button while it connects, and close other programs that have the port open',
          ),
        )
    })
  })
}
