import type { Command } from 'commander'
import type { Context } from '../context.ts'
import { examples, type Runner } from '../definition.ts'
import { type Exit, exits } from '../errors.ts'
import { facts } from '../output.ts'
import type { ProvisioningFlags } from '../provisioning.ts'
import type { BoardStatus, Dialogue } from '../serial/dialogue.ts'
import { duration } from '../values.ts'
import { confirmed } from './node-changes.ts'

interface Flags extends ProvisioningFlags {
  readonly port: string
  readonly timeout: string
}

/** `node provision`: gives a board on a cable its name, its credential and the way here. */
export function defineProvision(node: Command, run: Runner): void {
  withSettings(node.command('provision <ID>').description('tell a board on a cable who it is and how it gets here'))
    .addHelpText(
      'after',
      `\n${wifiHelp}${examples('espalier node provision 01 --port /dev/ttyUSB0 --wifi-ssid Garden', 'espalier node provision 01 --port /dev/ttyUSB0 --yes')}`,
    )
    .action((id: string, flags: Flags) => run(context => provision(context, id, flags)))
}

/** The flags that `node provision` and `node flash` share. */
export const withSettings = (command: Command): Command =>
  command
    .requiredOption('--port <PATH>', 'the serial port, such as /dev/ttyUSB0')
    .option(
      '--wifi-ssid <SSID>',
      'the network it joins; its password from ESPALIER_WIFI_PASSWORD or the file ESPALIER_WIFI_PASSWORD_FILE',
    )
    .option('--cert', 'a client certificate in place of a password')
    .option('--no-tls', 'to the listener without TLS (up --lan --insecure)')
    .option('--yes', 'do not ask when the node has a credential already')
    .option('--timeout <S>', 'seconds to wait until it is connected', '60')

export const wifiHelp =
  'The credential is made on the way and is nowhere but on the board; an earlier one ends when the new one is used, or after 10 minutes.\n'

/** Opening the port may restart a board: it has that long to come up. */
const bootMs = 15_000

async function provision(context: Context, id: string, flags: Flags): Promise<Exit> {
  const timeoutMs = duration(flags.timeout, '--timeout')
  const { prepareProvisioning } = await import('../provisioning.ts')
  const { openSerialPort } = await import('../serial/port.ts')
  const { openDialogue } = await import('../serial/dialogue.ts')
  const provisioning = await prepareProvisioning(context, id, flags)
  const dialogue = openDialogue(await openSerialPort(flags.port), flags.port, context.ended)
  try {
    const before = await dialogue.status(bootMs)
    if (before.id !== null && before.id !== id) await confirmed(context, flags.yes, `This board is ${before.id}. Make it ${id}?`)
    else if (provisioning.exists)
      await confirmed(context, flags.yes, `${id} has a credential already. Give this board a new one in its place?`)
    await dialogue.provision(await provisioning.make())
    context.out.message(`${flags.port} took its settings; waiting until ${id} is connected`)
    return tell(context, await running(context, dialogue, id, timeoutMs), id)
  } finally {
    await dialogue.close()
  }
}

/** The last status of the board: running under its id, or whatever it is when the time is up. */
export async function running(context: Context, dialogue: Dialogue, id: string, timeoutMs: number): Promise<BoardStatus> {
  const until = context.nowMs() + timeoutMs
  let last = await dialogue.status(bootMs)
  while (!isRunning(last, id) && context.nowMs() < until && !context.ended.aborted) {
    context.out.progress(`${last.state}${last.trouble === undefined ? '' : `: ${last.trouble}`}`)
    await new Promise(done => setTimeout(done, askAgainMs))
    last = await dialogue.status(bootMs)
  }
  context.out.progress('')
  return last
}

const askAgainMs = 500

const isRunning = (status: BoardStatus, id: string): boolean =>
  status.state === 'running' && status.id === id && status.trying !== true

export function tell({ out }: Context, status: BoardStatus, id: string): Exit {
  out.result(status, () =>
    facts(
      [
        ['node', status.id ?? '-'],
        ['state', status.state],
        ['board', `${status.board} ${status.version}`],
        ['broker', status.broker ?? '-'],
        ['address', status.ip ?? '-'],
        ...(status.trouble === undefined ? [] : [['trouble', status.trouble] as [string, string]]),
      ],
      out.style,
    ),
  )
  if (isRunning(status, id)) {
    out.message(`${id} is connected. Look: espalier watch ${id}`)
    return exits.done
  }
  out.message(`${id} is not connected yet (${status.state}). It goes on trying; look: espalier node show ${id}`)
  return exits.timedOut
}
