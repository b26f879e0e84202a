import { setTimeout as sleep } from 'node:timers/promises'
import type { ConformanceCheck, ConformanceRun } from '../../api/conformance.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { type Exit, exits } from '../errors.ts'

export const defineConformance: Define = (program, run) => {
  program
    .command('conformance <ID>')
    .description('check a node on the air against the wire contract: virtual, on Linux, a board, your own sketch')
    .addHelpText(
      'after',
      `
It listens, sends commands, withholds receipts, cuts the line and restarts the node: a minute, longer for one that speaks seldom and takes
no commands. Outputs are never switched; the restart brings them to their safe state. What can't be asked is skipped with the reason.
Exit code 7: a check failed.
${examples('espalier conformance sim-1', 'espalier conformance 01 --json')}`,
    )
    .action((id: string) => run(context => conformance(context, id)))
}

const askEveryMs = 500

/** Each check is told as it ends. The run is the server's: whoever stops waiting does not stop it. */
async function conformance(context: Context, id: string): Promise<Exit> {
  const { out } = context
  const client = await context.client()
  let run = await client.checkConformance(id)
  out.message(`checking ${id}: it is commanded, cut off and restarted; this takes about a minute`)
  let told = 0
  while (true) {
    if (!out.json) for (const check of run.checks.slice(told)) out.line(inWords(check))
    told = run.checks.length
    if (run.ended !== null) break
    if (context.ended.aborted) {
      out.message('you stopped waiting; it goes on, and the page of the node shows its end')
      return exits.timedOut
    }
    await sleep(askEveryMs, undefined, { signal: context.ended }).catch(() => undefined)
    run = await client.conformance(id)
  }
  const { node, pass, checks } = run
  out.result({ node, pass, checks }, () => sum(run))
  return pass ? exits.done : exits.problems
}

const marks = { pass: 'pass', fail: 'FAIL', skip: 'skip' } as const

/** As wide as the longest name of a check. */
const nameWidth = 15

const inWords = ({ name, result, detail }: ConformanceCheck): string => `${marks[result]}  ${name.padEnd(nameWidth)}  ${detail}`

function sum({ node, checks, pass }: ConformanceRun): string {
  const count = (wanted: string): number => checks.filter(({ result }) => result === wanted).length
  const said = `${node}: ${count('pass')} passed, ${count('fail')} failed, ${count('skip')} could not be checked`
  return pass ? `\n${said}` : `\n${said}. Each failure names what the contract wants: docs/reference/wire.md`
}
