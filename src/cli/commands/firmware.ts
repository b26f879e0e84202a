import { readFile, stat } from 'node:fs/promises'
import type { FirmwareAdded, FirmwareUpload, FirmwareView } from '../../api/firmware.ts'
import type { SigningKey } from '../../kit/signing-key.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { badInput, CliError, exits } from '../errors.ts'
import { facts, localTime, table } from '../output.ts'

interface AddFlags {
  readonly version: string
  readonly board: string
  readonly key?: string
}

export const defineFirmware: Define = (program, run) => {
  const firmware = program.command('firmware').description('images of firmware that nodes are updated to: add, list, remove')

  firmware
    .command('add <FILE>')
    .description('take an image in and sign it')
    .requiredOption('--version <V>', 'SemVer; must be what the image itself says')
    .requiredOption('--board <B>', 'the board it is for; must be what the image itself says')
    .option('--key <F>', 'sign here with the private key in this file (PEM); the server gets the signature alone')
    .addHelpText(
      'after',
      `
Without --key the server signs, with DATA/keys/firmware.pem, which it makes at the first use (or the file that firmware.key names).
${examples('espalier firmware add .pio/build/esp32dev/firmware.bin --version 1.4.2 --board esp32dev', 'espalier firmware add firmware.bin --version 1.4.2 --board esp32dev --key /mnt/usb/firmware.pem')}`,
    )
    .action((file: string, flags: AddFlags) => run(context => add(context, file, flags)))

  firmware
    .command('list')
    .description('by board, the highest version first')
    .addHelpText('after', examples('espalier firmware list', 'espalier firmware list --json'))
    .action(() =>
      run(async ({ client, out }) => {
        const images = await (await client()).firmware()
        out.result(images, () =>
          images.length === 0
            ? 'No firmware. Add an image: espalier firmware add FILE --version V --board B'
            : table(
                ['BOARD', 'VERSION', 'BYTES', 'ADDED', 'SHA-256'],
                images.map(i => [i.board, i.version, i.size.toLocaleString('en'), localTime(i.added_at), i.sha256]),
                out.style,
              ),
        )
      }),
    )

  firmware
    .command('remove')
    .description('remove an image; nodes that run it go on')
    .requiredOption('--version <V>', 'its version')
    .requiredOption('--board <B>', 'its board')
    .addHelpText('after', examples('espalier firmware remove --version 1.4.1 --board esp32dev'))
    .action((flags: { version: string; board: string }) => run(context => remove(context, flags)))
}

/** The server checks the size too, but a device or a film would never get there. */
async function imageIn(file: string): Promise<Buffer> {
  const { largestImageBytes } = await import('../../api/firmware.ts')
  const about = await stat(file)
  const allowed = `a regular file of at most ${largestImageBytes} bytes`
  if (!about.isFile())
    throw badInput(`${file} is no regular file`, allowed, 'the image is firmware.bin, or espalier-node of npm run firmware')
  if (about.size > largestImageBytes) throw badInput(`${file} has ${about.size} bytes`, allowed)
  return await readFile(file)
}

async function add({ client, out }: Context, file: string, flags: AddFlags): Promise<void> {
  const image = await imageIn(file)
  const server = await client()
  const key = flags.key === undefined ? null : await keyFor(server, flags.key, out.message)
  const upload = { version: flags.version, board: flags.board }
  const added = await server.addFirmware(key === null ? upload : await signed(upload, image, key), image)
  const { version, board, size, sha256, signature } = added
  const result = { version, board, size, sha256, signature }
  out.result(result, () =>
    facts(
      [
        ['version', out.style.bold(version)],
        ['board', board],
        ['size', `${size.toLocaleString('en')} bytes`],
        ['SHA-256', sha256],
        ['signature', signature],
      ],
      out.style,
    ),
  )
  tellOfKey(added, out.message)
  out.message(`Update a node to it: espalier update ID --version ${version} --wait`)
}

function tellOfKey({ key_made, other_key, key }: FirmwareAdded, tell: (text: string) => void): void {
  if (key_made !== null) tell(madeText(key_made))
  if (other_key)
    tell(
      `It is signed with another key (SHA-256 ${key}) than the one nodes are given here: those will refuse it with bad_signature.`,
    )
}

const madeText = (file: string): string =>
  `The key that signs firmware was made: ${file}. Keep a copy elsewhere: nodes take updates from this key alone.`

async function signed(upload: FirmwareUpload, image: Uint8Array, key: SigningKey): Promise<FirmwareUpload> {
  const { createHash } = await import('node:crypto')
  const { manifestText } = await import('../../contract/manifest.ts')
  const sha256 = createHash('sha256').update(image).digest('hex')
  const { board, version } = upload
  const signature = key.sign(manifestText({ board, version, size: image.length, sha256 }))
  return { ...upload, signature, public_key: key.publicKey }
}

/** The key in a file; made there if no key was ever used here: elsewhere a mistyped name would make images that no node takes. */
async function keyFor(
  server: Awaited<ReturnType<Context['client']>>,
  file: string,
  tell: (text: string) => void,
): Promise<SigningKey> {
  const { BadKey, makeSigningKeyIn, signingKeyIn } = await import('../../kit/signing-key.ts')
  const key = await signingKeyIn(file).catch((error: Error) => {
    if (error instanceof BadKey) throw new CliError(exits.usage, 'bad_key', error.message)
    throw error
  })
  if (key !== null) return key
  const known = await server.firmwareKey(false).catch((error: Error & { status?: number }) => {
    if (error.status === 404) return null
    throw error
  })
  if (known !== null)
    throw badInput(
      `--key ${file} is not there`,
      `the file with the key that nodes have (SHA-256 of its public half: ${known.sha256})`,
    )
  const made = await makeSigningKeyIn(file)
  tell(madeText(file))
  return made
}

async function remove({ client, out }: Context, { version, board }: { version: string; board: string }): Promise<void> {
  const server = await client()
  const image = (await server.firmware()).find(i => i.version === version && i.board === board)
  if (image === undefined)
    throw new CliError(exits.notFound, 'not_found', `no firmware ${version} for ${board}`, 'espalier firmware list')
  await server.removeFirmware(image.sha256)
  out.result(image satisfies FirmwareView, () => `${version} for ${board} is removed; nodes that run it go on`)
}
