import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import type { BuiltImages } from '../../site/site.ts'
import type { Context } from '../context.ts'
import { examples, type Runner } from '../definition.ts'
import { badInput, CliError, type Exit, exits } from '../errors.ts'
import type { ProvisioningFlags } from '../provisioning.ts'
import { duration } from '../values.ts'
import { confirmed } from './node-changes.ts'
import { running, tell, wifiHelp, withSettings } from './node-provision.ts'

interface Flags extends ProvisioningFlags {
  readonly port: string
  readonly timeout: string
  readonly images?: string
}

/** `node flash`: the firmware and the settings of a node, written into a board's flash in one go. */
export function defineFlash(node: Command, run: Runner): void {
  withSettings(
    node.command('flash <ID>').description('write firmware and settings to an ESP32 on a cable (PlatformIO or esptool)'),
  )
    .option(
      '--images <DIR>',
      'a finished build: bootloader.bin, partitions.bin, firmware.bin (default: build firmware/ with PlatformIO)',
    )
    .addHelpText(
      'after',
      `\n${wifiHelp}${examples('espalier node flash 01 --port /dev/ttyUSB0 --wifi-ssid Garden', 'espalier node flash 01 --port /dev/ttyUSB0 --wifi-ssid Garden --images build')}`,
    )
    .action((id: string, flags: Flags) => run(context => flash(context, id, flags)))
}

const project = fileURLToPath(new URL('../../../firmware', import.meta.url))
const built = join(project, '.pio/build/esp32dev')
const baud = '460800'

async function flash(context: Context, id: string, flags: Flags): Promise<Exit> {
  const timeoutMs = duration(flags.timeout, '--timeout')
  const { findTools, runTool } = await import('../flash/tools.ts')
  const { prepareProvisioning } = await import('../provisioning.ts')
  const { credentialsImage, otadataImage } = await import('../../site/site.ts')
  if (flags.wifiSsid === undefined)
    throw badInput(
      '--wifi-ssid is missing',
      'the network the board joins',
      'without it there is no way back to a board just flashed',
    )
  const tools = findTools(context)
  const provisioning = await prepareProvisioning(context, id, flags)
  await access(flags.port).catch(() => {
    throw badInput(`--port ${flags.port}`, 'a serial port that is there', 'plug the board in, then: ls /dev/ttyUSB* /dev/ttyACM*')
  })
  if (provisioning.exists)
    await confirmed(context, flags.yes, `${id} has a credential already. Give this board a new one in its place?`)
  const dir = flags.images ?? (await build(context, tools.build, runTool))
  await checkImages(await readImages(dir))

  const secrets = await mkdtemp(join(tmpdir(), 'espalier-flash-'))
  try {
    const credentials = join(secrets, 'creds.bin')
    const otadata = join(secrets, 'otadata.bin')
    await writeFile(otadata, otadataImage(), { mode: 0o600 })
    await writeFile(credentials, credentialsImage(await provisioning.make()), { mode: 0o600 })
    const { imageFiles, flashPlaces } = await import('../../site/site.ts')
    const pieces: [number, string][] = [
      [flashPlaces.bootloader, join(dir, imageFiles.bootloader)],
      [flashPlaces.partitions, join(dir, imageFiles.partitions)],
      [flashPlaces.otadata, otadata],
      [flashPlaces.app, join(dir, imageFiles.firmware)],
      [flashPlaces.credentials, credentials],
    ]
    const places = pieces.flatMap(([at, file]) => [`0x${at.toString(16)}`, file])
    await runTool(context, [...tools.write, '--chip', 'esp32', '--port', flags.port, '--baud', baud, 'write_flash', ...places])
  } finally {
    await rm(secrets, { recursive: true, force: true })
  }
  return await waitFor(context, id, flags.port, timeoutMs)
}

async function waitFor(context: Context, id: string, path: string, timeoutMs: number): Promise<Exit> {
  const { openSerialPort } = await import('../serial/port.ts')
  const { openDialogue } = await import('../serial/dialogue.ts')
  context.out.message(`written; waiting until ${id} is connected`)
  const dialogue = openDialogue(await openSerialPort(path), path, context.ended)
  try {
    return tell(context, await running(context, dialogue, id, timeoutMs), id)
  } finally {
    await dialogue.close()
  }
}

type Run = (context: Context, words: readonly string[], cwd?: string) => Promise<void>

async function build(context: Context, words: readonly string[] | null, run: Run): Promise<string> {
  const there = await access(join(project, 'platformio.ini')).then(
    () => true,
    () => false,
  )
  if (words === null || !there)
    throw new CliError(
      exits.usage,
      'no_firmware',
      words === null
        ? 'PlatformIO, which builds the firmware, is not installed'
        : `the firmware's source is not here (${project})`,
      words === null ? 'pipx install platformio' : 'run it in a checkout of the repository',
      'or name a finished build: --images DIR',
    )
  await run(context, words, project)
  return built
}

async function readImages(dir: string): Promise<BuiltImages> {
  const { imageFiles } = await import('../../site/site.ts')
  const read = async (name: string): Promise<Buffer> => {
    try {
      return await readFile(join(dir, name))
    } catch {
      const names = Object.values(imageFiles).join(', ')
      throw badInput(`${join(dir, name)} can't be read; a build`, `a folder with ${names}`, 'pio run -d firmware -e esp32dev')
    }
  }
  const { bootloader, partitions, firmware } = imageFiles
  return { bootloader: await read(bootloader), partitions: await read(partitions), firmware: await read(firmware) }
}

async function checkImages(images: BuiltImages): Promise<void> {
  const { imagesFault } = await import('../../site/site.ts')
  const fault = imagesFault(images)
  if (fault !== null) throw new CliError(exits.usage, 'bad_image', fault, 'build it anew: pio run -d firmware -e esp32dev')
}
