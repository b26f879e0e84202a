import { Command } from 'commander'
import { defineAlerts } from './commands/alerts.ts'
import { defineAudit } from './commands/audit.ts'
import { defineBackup } from './commands/backup.ts'
import { defineBroker } from './commands/broker.ts'
import { defineCommand, defineCommands } from './commands/commands.ts'
import { defineConfig } from './commands/config.ts'
import { defineConformance } from './commands/conformance.ts'
import { defineDemo } from './commands/demo.ts'
import { defineDoctor } from './commands/doctor.ts'
import { defineExport } from './commands/export.ts'
import { defineFirmware } from './commands/firmware.ts'
import { defineLedger } from './commands/ledger.ts'
import { defineLog } from './commands/log.ts'
import { defineLogs } from './commands/logs.ts'
import { defineNode } from './commands/node.ts'
import { defineNodes } from './commands/nodes.ts'
import { definePing } from './commands/ping.ts'
import { definePub } from './commands/pub.ts'
import { defineRejects } from './commands/rejects.ts'
import { defineRestore } from './commands/restore.ts'
import { defineSend } from './commands/send.ts'
import { defineService } from './commands/service.ts'
import { defineSimulate } from './commands/simulate.ts'
import { defineSub } from './commands/sub.ts'
import { defineToken } from './commands/token.ts'
import { defineUp } from './commands/up.ts'
import { defineUpdate } from './commands/update.ts'
import { defineWatch } from './commands/watch.ts'
import { type CommonFlags, openContext, type Surroundings } from './context.ts'
import { type Define, examples, type Runner } from './definition.ts'
import { type Exit, exitHelp, exits } from './errors.ts'

/** All commands, each defined in a file of its own that loads what it needs when it is called. */
const definitions: readonly Define[] = [
  defineUp,
  defineNodes,
  defineNode,
  defineWatch,
  defineSend,
  defineFirmware,
  defineUpdate,
  defineCommands,
  defineCommand,
  defineRejects,
  defineAlerts,
  defineAudit,
  defineBroker,
  defineExport,
  defineBackup,
  defineRestore,
  defineLedger,
  definePing,
  definePub,
  defineSub,
  defineLog,
  defineLogs,
  defineSimulate,
  defineConfig,
  defineToken,
  defineDemo,
  defineDoctor,
  defineConformance,
  defineService,
]

/** The command line as commander sees it. `finished` gets the exit code of the command that ran. */
export function createProgram(around: Surroundings, version: string, finished: (exit: Exit) => void): Command {
  const program = new Command('espalier')
    .description('The self-hosted stack for a fleet of ESP32 boards.')
    .version(version, '-V', 'print the version, as --version does') // run.ts: some commands have a --version of their own
    .option('--data <DIR>', 'data directory (ESPALIER_DATA; default ./data)')
    .option('--config <FILE>', 'configuration (ESPALIER_CONFIG; default DATA/espalier.yaml)')
    .option('--url <URL>', 'address of the server (ESPALIER_URL; default from DATA/run.json)')
    .option('--json', 'print JSON: one value, or one object a line for streams')
    .option('--quiet', 'no messages on stderr, only errors')
    .option('--no-color', 'no colours (NO_COLOR)')
    .helpCommand('help [command]', 'show help for a command')
    .showHelpAfterError(false)
    .configureHelp({ showGlobalOptions: true })
    .exitOverride()
    .configureOutput({
      writeOut: text => around.streams.write(text),
      writeErr: text => around.streams.writeError(text),
      outputError: () => {}, // said by the caller, in the form of all errors
    })
    .addHelpText(
      'after',
      `\n${secretsHelp}\n\n${exitHelp}\n${examples('npm start', 'espalier nodes', 'espalier watch sim-1', 'espalier send sim-1 set_led state=on')}`,
    )
  const run: Runner = async work => {
    const exit = await work(openContext(around, program.opts<CommonFlags>()))
    finished(exit ?? exits.done)
  }
  for (const define of definitions) define(program, run)
  for (const command of program.commands) inherit(command, program)
  return program
}

/** Sub-commands throw and write as the program does, at any depth. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent)
  for (const child of command.commands) inherit(child, command)
}

const secretsHelp = `The token comes from ESPALIER_TOKEN, the file ESPALIER_TOKEN_FILE, or DATA/token.
An https:// address is trusted by DATA/ca/ca.pem, or the file ESPALIER_CA.
Common options stand before or after the command; flag goes over environment over file over default.`
