import { baseUrl } from '../api/address.ts'
import type { RunInfo } from '../api/run.ts'
import type { Notice } from '../manager/manager.ts'
import type { Context } from './context.ts'

/** What happens while `up` runs and whoever started it wants to know, a line each: good news on stdout, trouble on stderr. With --json
 *  each is an object {"event":"notice", …}; with --quiet there are none for people. */
export function printNotice({ out }: Context, run: RunInfo, notice: Notice): void {
  const { kind, subject, text } = notice
  if (out.json) out.value({ event: 'notice', ...notice })
  else if (kind !== 'first_reading') out.message(`${out.style.warn('▲')} ${text}`)
  else if (!out.quiet) out.line(`${out.style.good('●')} ${text}   ${out.style.dim(`${baseUrl(run.http)}/nodes/${subject}`)}`)
}
