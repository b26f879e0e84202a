import type { ConformanceReport } from '../../api/conformance.ts'
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
It listens, sends commands, withholds receipts, cuts the line and restarts the node: a minute, longer for one that speaks seldom. Outputs
are never touched. What can't be asked is skipped with the reason. Exit code 7: a check failed.
${examples('espalier conformance sim-1', 'espalier conformance 01 --json')}`,
    )
    .action((id: string) => run(context => conformance(context, id)))
}

async function conformance(context: Context, id: string): Promise<Exit> {
  const { out } = context
  const client = await context.client()
  out.message(`checking ${id}: it is commanded, cut off and restarted; this takes about a minute`)
  const report = await client.conformance(id)
  out.result(report, () => inWords(report))
  return report.pass ? exits.done : exits.problems
}

const marks = { pass: 'pass', fail: 'FAIL', skip: 'skip' } as const

function inWords({ node, checks, pass }: ConformanceReport): string {
  const width = Math.max(...checks.map(({ name }) => name.length))
  const lines = checks.map(({ name, result, detail }) => `${marks[result]}  ${name.padEnd(width)}  ${detail}`)
  const count = (wanted: string): number => checks.filter(({ result }) => result === wanted).length
  const sum = `${node}: ${count('pass')} passed, ${count('fail')} failed, ${count('skip')} could not be checked`
  return [...lines, '', pass ? sum : `${sum}. Each failure names what the contract wants: docs/reference/wire.md`].join('\n')
}
