import type { ConformanceCheck } from '../../api/conformance.ts'
import type { Air } from './air.ts'
import { Ear, GivenUp } from './ear.ts'
import { keeping } from './keeping.ts'
import { absent, listening } from './listening.ts'
import { everySecond, obeying } from './obeying.ts'
import { restarting, updating } from './restarting.ts'
import { type Run, say, skip } from './run.ts'

export type { Air, Heard } from './air.ts'

/** Checks a node on the air against the wire contract, whoever made it: listens, commands, withholds receipts, cuts its line, restarts it,
 *  and puts back what it changed. It takes a minute, longer for a node that speaks seldom and takes no commands. Outputs are never
 *  switched: a pump is no test; the restart brings them to their safe state. What could not be asked is `skip` with the reason. `checks`
 *  grows while it runs; it always ends, also where the broker goes away or the manager stops in the middle. */
export async function runConformance(air: Air, checks: ConformanceCheck[]): Promise<void> {
  const run: Run = { air, ear: new Ear(air), checks, tidy: [], hurried: false }
  try {
    await questions(run)
  } catch (error) {
    say(run, 'run', 'fail', error instanceof GivenUp ? 'the manager was stopped' : `it ended early: ${(error as Error).message}`)
  } finally {
    // With the broker away nothing can be put back: it is the line, not the node, that says so.
    for (const undo of run.tidy) await undo().catch(() => undefined)
    run.ear.close()
  }
}

async function questions(run: Run): Promise<void> {
  if (absent(run)) return
  await everySecond(run, 5)
  await listening(run)
  if (run.ear.silent) return
  if (sleeps(run))
    return skip(run, 'it sleeps between its readings: this waits for a node that is awake', 'commands', 'keeping', 'restart')
  const ping = await obeying(run)
  await keeping(run, ping !== null)
  await updating(run, ping !== null)
  await restarting(run, ping)
}

const sleeps = ({ air, ear }: Run): boolean =>
  air.presence() === 'asleep' || ear.statuses.some(({ status }) => status.reason === 'sleep')
