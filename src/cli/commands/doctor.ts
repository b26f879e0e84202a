import type { DoctorReport, Finding } from '../../api/settings.ts'
import { checkConfig } from '../configuration.ts'
import type { Context } from '../context.ts'
import { type Define, examples } from '../definition.ts'
import { CliError, exits } from '../errors.ts'
import type { Style } from '../output.ts'

export const defineDoctor: Define = (program, run) => {
  program
    .command('doctor')
    .description('look after everything: what is wrong, and what to do (exit 7 when something is)')
    .addHelpText('after', examples('espalier doctor', 'espalier doctor --json'))
    .action(() =>
      run(async context => {
        const found = await examine(context)
        const { out } = context
        out.result(found, () => reportText(found, out.style))
        return found.ok ? exits.done : exits.problems
      }),
    )
}

/** The server's report with what is wrong in the file; without a server, what can be seen of its data directory. */
async function examine(context: Context): Promise<DoctorReport> {
  const local = context.flags.url === undefined && !context.env.ESPALIER_URL
  const report = await served(context, local)
  if (!local) return report
  const { problemText } = await import('../../config/config.ts')
  const { problems } = await checkConfig(context, undefined)
  const wrong = problems.map(
    (problem): Finding => ({
      code: 'bad_config',
      severity: 'error',
      subject: problem.where,
      what: problemText(problem),
      fix: 'Mend it, then espalier config check; the next start would refuse it.',
    }),
  )
  return { ok: report.ok && wrong.length === 0, findings: [...wrong, ...report.findings] }
}

async function served(context: Context, local: boolean): Promise<DoctorReport> {
  try {
    return await (await context.client()).doctor()
  } catch (error) {
    const away =
      error instanceof Error && (error.name === 'Unreachable' || (error instanceof CliError && error.code === 'unreachable'))
    if (!local || !away) throw error
    const { offlineDoctor } = await import('../../manager/manager.ts')
    const report = await offlineDoctor(context.data)
    if (report === null) throw error
    context.out.message(`nothing runs in ${context.data}: this is what can be seen from outside`)
    return report
  }
}

function reportText({ findings }: DoctorReport, style: Style): string {
  if (findings.length === 0) return `${style.good('●')} nothing to do`
  const mark = { error: style.bad('✖ error'), warning: style.warn('▲ warning'), info: style.dim('· info') }
  return findings
    .map(f => `${mark[f.severity]}  ${style.bold(f.subject)}: ${f.what}  ${style.dim(`(${f.code})`)}\n  ${f.fix}`)
    .join('\n')
}
