import type { ConformanceReport } from '../../api/conformance.ts'
import type { Air } from './air.ts'
import { Ear } from './ear.ts'
import { keeping } from './keeping.ts'
import { listening } from './listening.ts'
import { obeying } from './obeying.ts'
import { restarting, updating } from './restarting.ts'
import type { Run } from './run.ts'

export type { Air, Heard } from './air.ts'

/** Checks a node on the air against the wire contract, whoever made it: listens, commands, withholds receipts, cuts its line, restarts it,
 *  and puts back what it changed. It takes a minute, longer for a node that speaks seldom. Outputs are never touched: a pump is no
 *  test. What could not be asked is `skip` with the reason. */
export async function runConformance(air: Air): Promise<ConformanceReport> {
  const run: Run = { air, ear: new Ear(air), checks: [], tidy: [] }
  try {
    await listening(run)
    if (run.ear.silent) return report(run)
    const ping = await obeying(run)
    await keeping(run, ping !== null)
    await updating(run, ping !== null)
    await restarting(run, ping)
  } finally {
    for (const undo of run.tidy) await undo()
    run.ear.close()
  }
  return report(run)
}

const report = ({ air, checks }: Run): ConformanceReport => ({
  node: air.node,
  pass: checks.every(({ result }) => result !== 'fail'),
  checks,
})
