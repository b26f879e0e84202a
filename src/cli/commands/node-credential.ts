import type { Command } from 'commander'
import type { ConnectInfo, Credential } from '../../api/identities.ts'
import { qrText, type Reachable } from '../../api/sketch/board.ts'
import { nodeIdPattern } from '../../contract/topics.ts'
import type { Context } from '../context.ts'
import { examples, type Runner } from '../definition.ts'
import { badInput, CliError, type Exit, exits } from '../errors.ts'
import { facts } from '../output.ts'
import { duration } from '../values.ts'

interface Flags {
  readonly name?: string
  readonly cert?: boolean
  readonly sketch?: boolean
  readonly python?: boolean
  readonly qr?: boolean
  readonly grace?: string
  readonly push?: boolean
  /** false: --no-tls was given. */
  readonly tls: boolean
}

/** `node add` and `node rotate`: the two moments at which a credential can be seen. */
export function defineCredentials(node: Command, run: Runner): void {
  const printed = (command: Command): Command =>
    command
      .option('--cert', 'a client certificate in place of a password')
      .option('--sketch', 'print a whole Arduino sketch for an ESP32 with everything filled in but the Wi-Fi')
      .option('--python', 'print a Python script on paho-mqtt')
      .option('--qr', 'print a QR code of the credential and the address')
      .option('--no-tls', 'address of the listener without TLS (up --lan --insecure)')

  printed(node.command('add <ID>').description('let a board in: its credential is shown this once'))
    .option('--name <NAME>', 'what people call it')
    .addHelpText('after', `\n${qrHelp}${examples('espalier node add greenhouse --sketch > greenhouse.ino', ...moreExamples)}`)
    .action((id: string, flags: Flags) => run(context => add(context, id, flags)))

  printed(node.command('rotate <ID>').description('a new credential: the old one is invalid at once, or after a grace'))
    .option('--grace <TIME>', 'so long the old one stays valid, or until the new one is used (at most 7d)')
    .option('--push', 'bring the new password to the node, which tries it and goes back if it fails (grace 10m)')
    .option('--yes', 'as with revoke and remove; it never asks')
    .addHelpText(
      'after',
      examples(
        'espalier node rotate greenhouse',
        'espalier node rotate greenhouse --sketch',
        'espalier node rotate greenhouse --grace 1h',
        'espalier node rotate greenhouse --push',
      ),
    )
    .action((id: string, flags: Flags) => run(context => rotate(context, id, flags)))
}

const qrHelp = 'The QR code holds JSON: {"id","username","password","host","port","tls","ca_sha256"}.\n'
const moreExamples = [
  'espalier node add 01 --name Kitchen --qr',
  'espalier node add pi --cert --python',
  'espalier node add 02 --json',
]

async function add(context: Context, id: string, flags: Flags): Promise<void> {
  if (!nodeIdPattern.test(id))
    throw badInput(
      `"${id}" is no id`,
      '1 to 32 letters, digits, _ and -, beginning with a letter or digit',
      'espalier node add greenhouse',
    )
  if (flags.name !== undefined && (flags.name === '' || flags.name.length > 64))
    throw badInput('--name', 'a name of 1 to 64 characters')
  await make(context, flags, flags.name ?? null, async () => {
    const client = await context.client()
    const addition = { id, ...(flags.name !== undefined && { name: flags.name }), ...(flags.cert && { cert: true }) }
    return client.addNode(addition).catch(async error => {
      const { status, message } = error as { status?: number; message: string }
      if (status !== 409) throw error
      const virtual = (await client.node(id).catch(() => null))?.virtual === true
      const advice = virtual ? ['another id'] : [`a new credential: espalier node rotate ${id}`, 'or another id']
      throw new CliError(exits.usage, 'exists', message, ...advice)
    })
  })
}

async function rotate(context: Context, id: string, flags: Flags): Promise<Exit> {
  const grace = graceOf(flags.grace)
  if (flags.push) {
    const shown = (['cert', 'sketch', 'python', 'qr'] as const).find(name => flags[name])
    if (shown !== undefined) throw badInput(`--push with --${shown}`, 'one of them: what is pushed is shown to nobody')
    const { push } = await import('./node-push.ts')
    return push(context, id, grace ?? 600)
  }
  await make(context, flags, null, async () => {
    const client = await context.client()
    return client.rotateNode(id, { ...(flags.cert && { cert: true }), ...(grace !== undefined && { grace }) })
  })
  if (grace) context.out.message(`The old one is valid for ${flags.grace} more, or until the new one is used.`)
  return exits.done
}

/** Whole seconds; undefined: none was asked for. */
function graceOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const seconds = Math.round(duration(text, '--grace') / 1_000)
  if (seconds <= 604_800) return seconds
  throw badInput(`--grace is ${text}`, 'at most 7d')
}

/** Everything that could refuse is asked before a credential is made: it is shown once. */
async function make(context: Context, flags: Flags, name: string | null, credentialOf: () => Promise<Credential>): Promise<void> {
  const { out } = context
  const program = flags.sketch === true || flags.python === true
  if (flags.sketch && flags.python) throw badInput('--sketch and --python', 'one of them')
  if (flags.qr && flags.cert)
    throw badInput(
      '--qr with --cert',
      'one of them: a certificate and its key are too much for a QR code',
      'a password: leave --cert out',
    )
  const client = await context.client()
  const connect = await client.connect()
  const { reachable } = await import('../reachable.ts')
  const where = program || flags.qr || flags.cert ? reachable(connect, flags.tls) : null
  if (where?.ca === null && flags.cert) throw badInput('--cert with --no-tls', 'one of them: a certificate needs TLS')

  const credential = await credentialOf()
  const text = where !== null && program ? await programText(credential, name, where, flags) : null
  const qr = where !== null && flags.qr ? qrContent(credential, where, connect) : null
  if (out.json) {
    out.value({ ...credential, ...(text !== null && { [flags.sketch ? 'sketch' : 'python']: text }), ...(qr !== null && { qr }) })
    return
  }
  if (text !== null) {
    out.bytes(Buffer.from(text))
    out.message(afterProgram(credential.id, flags))
    return
  }
  out.line(credentialText(context, credential, connect))
  if (qr !== null) out.line(`\n${await qrCode(qr, out.terminal)}`)
  out.message('This is shown once: of a password only a hash is kept, of a key nothing.')
  out.message(nextStep(credential.id, connect))
}

async function programText(credential: Credential, name: string | null, where: Reachable, flags: Flags): Promise<string> {
  const { boardOf } = await import('../../api/sketch/board.ts')
  const board = boardOf(credential, name, where)
  if (flags.sketch) return (await import('../../api/sketch/arduino.ts')).arduinoSketch(board)
  return (await import('../../api/sketch/python.ts')).pythonScript(board)
}

function qrContent(credential: Credential, where: Reachable, connect: ConnectInfo): string {
  const text = qrText(credential, where, connect)
  if (text === null) throw badInput('--qr', 'a node with a password: a certificate and its key are too much for a QR code')
  return text
}

async function qrCode(content: string, terminal: boolean): Promise<string> {
  const { default: qrcode } = await import('qrcode')
  // With colours a terminal of either sort shows dark on light; without, blocks on white paper do.
  const text = await qrcode.toString(content, { type: terminal ? 'terminal' : 'utf8', small: true, errorCorrectionLevel: 'L' })
  return text.trimEnd()
}

function credentialText({ out, data }: Context, credential: Credential, connect: ConnectInfo): string {
  const { style } = out
  const { host, mqtts_port, mqtt_port, ca_sha256 } = connect
  if (!('password' in credential)) return [credential.cert, credential.key, credential.ca].map(pem => pem.trim()).join('\n')
  const where: [string, string][] =
    mqtts_port === null
      ? [['server', `mqtt://${host} on this machine only; for boards: espalier up --lan`]]
      : [
          ['server', `mqtts://${host}:${mqtts_port}`],
          ['CA', `${data}/ca/ca.pem${ca_sha256 === null ? '' : style.dim(`  SHA-256 ${ca_sha256}`)}`],
        ]
  if (mqtt_port !== null) where.push(['without TLS', `mqtt://${host}:${mqtt_port}`])
  return facts([['user name', credential.username], ['password', style.bold(credential.password)], ...where], style)
}

const afterProgram = (id: string, flags: Flags): string =>
  flags.sketch
    ? `Fill in the Wi-Fi and your sensor, upload it, and look: espalier watch ${id}. The secret in it is shown once.`
    : `Put your sensor into read_sensors(), run it, and look: espalier watch ${id}. The secret in it is shown once.`

const nextStep = (id: string, { mqtts_port }: ConnectInfo): string =>
  mqtts_port === null
    ? `Boards reach this server once it runs with --lan. Then a whole sketch: espalier node rotate ${id} --sketch`
    : `It publishes to iot/node/${id}/telemetry. A whole sketch with all of this filled in: espalier node rotate ${id} --sketch`
