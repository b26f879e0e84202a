import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Endpoint } from '../api/run.ts'
import type { UpOptions } from '../config/config.ts'
import type { Clock } from '../kit/clock.ts'
import { startFleet } from '../sim/sim.ts'

/** The virtual nodes of `up`: sim-1 to sim-N on real connections to the own broker. Their flash and the witness of what they executed
 *  are in DATA/sim, so that they remember commands over a restart as boards do. */
export async function startVirtualNodes(
  options: UpOptions,
  broker: Endpoint,
  clock: Clock,
  version: string,
): Promise<{ stop(): Promise<unknown> }> {
  if (options.sim === 0) return { stop: async () => undefined }
  const dir = join(options.data, 'sim')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const fleet = startFleet({
    broker: { ...broker },
    nodes: options.sim,
    prefix: 'sim-',
    intervalS: options.simIntervalS,
    seed: 1,
    clock,
    execLog: join(dir, 'executed.jsonl'),
    stateDir: dir,
    firmware: version,
  })
  // They are only stand-ins: nobody waits for their last receipts.
  return { stop: () => fleet.stop({ settleMs: 300 }) }
}
