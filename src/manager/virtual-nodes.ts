import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { DemoStop } from '../api/demo.ts'
import type { Broker } from '../broker/broker.ts'
import type { UpOptions } from '../config/config.ts'
import { nodeTopic } from '../contract/topics.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Lane } from '../ingest/ingest.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { type BrokerAddress, type RealNodes, type Fleet as SimFleet, startFleet, startRealNodes } from '../sim/sim.ts'
import type { ReadingsStore } from '../store/readings.ts'
import { NoNodeProgram } from './errors.ts'
import type { Log } from './log.ts'

export interface VirtualNodesParts {
  readonly options: UpOptions
  readonly fleet: Fleet
  readonly store: ReadingsStore
  readonly ledger: Pick<Ledger, 'forget'>
  readonly lane: Pick<Lane, 'between'>
  readonly broker: Broker
  readonly clock: Clock
  readonly version: string
  readonly log: Log
}

/** The broker they speak to, and the one user for all of them; null: anonymous. */
export interface SimTarget {
  readonly broker: BrokerAddress
  readonly username: string | null
  readonly password: string | null
}

/** The virtual nodes of `up`: sim-1 to sim-N on real connections to the broker. Their flash and the witness of what they executed
 *  are in DATA/sim, so that they remember commands over a restart as boards do. */
export interface VirtualNodes {
  start(target: SimTarget): Promise<void>
  /** For good in this run; `forget` removes all that ever ran here, with their readings. */
  stop(forget: boolean): Promise<DemoStop>
  /** Ids of those that are cut off now; none: there is no such one, or none at all. */
  outage(node: string | null, seconds: number): string[]
  close(): Promise<unknown>
}

export function createVirtualNodes(parts: VirtualNodesParts): VirtualNodes {
  const { options, fleet, clock, version } = parts
  const stateDir = join(options.data, 'sim')
  let running: SimFleet | RealNodes | null = null

  /** They are only stand-ins: nobody waits for their last receipts. */
  const end = async (): Promise<string[]> => {
    const was = running
    running = null
    await was?.stop({ settleMs: 300 })
    return was?.nodes.map(node => node.id) ?? []
  }

  return {
    async start(target) {
      const wanted = options.simReal || options.sim
      if (wanted === 0) return
      const ids = Array.from({ length: wanted }, (_, i) => `sim-${i + 1}`).filter(id => !isPersons(id, fleet))
      await parts.lane.between(() => fleet.readmit(ids))
      await mkdir(stateDir, { recursive: true, mode: 0o700 })
      const { simIntervalS: intervalS } = options
      if (options.simReal > 0) {
        const onProblem = (text: string): void => parts.log.warn(text)
        running = startRealNodes({ ...target, binary: nodeProgram(), ids, intervalS, stateDir, onProblem })
        return
      }
      running = startFleet({
        ...target,
        nodes: options.sim,
        prefix: 'sim-',
        except: id => isPersons(id, fleet),
        intervalS,
        seed: 1,
        clock,
        execLog: join(stateDir, 'executed.jsonl'),
        stateDir,
        firmware: version,
      })
    },
    async stop(forget) {
      const stopped = await end()
      const known = fleet.nodes().filter(node => node.virtual)
      const forgotten = forget ? [...new Set([...known.map(node => node.id), ...stopped])].sort() : []
      for (const id of forgotten) await forgetNode(id, parts)
      if (forget) await rm(stateDir, { recursive: true, force: true })
      return { stopped, forgotten }
    },
    // The line of a process is not ours to cut.
    outage: (node, seconds) => (running && 'outage' in running ? running.outage(node, seconds * 1_000) : []),
    close: end,
  }
}

/** Added or claimed by a person while no virtual node had the id: none may speak for it. */
function isPersons(id: string, fleet: Fleet): boolean {
  const node = fleet.node(id)
  return fleet.identities.list().some(identity => identity.id === id) || (node?.claimed === true && !node.virtual)
}

/** Between two batches, so that nothing judged before comes in behind it. */
async function forgetNode(id: string, { fleet, store, ledger, lane, broker }: VirtualNodesParts): Promise<void> {
  await lane.between(async () => {
    await fleet.remove(id)
    if (store.nodes().includes(id)) await store.remove(id)
    ledger.forget(id)
  })
  await broker.publish({ topic: nodeTopic(id, 'status'), payload: new Uint8Array(0), qos: 1, retain: true })
}

/** The firmware built for this machine; ESPALIER_NODE_BINARY names another. */
export function nodeProgram(): string {
  const built = fileURLToPath(new URL('../../firmware/build/espalier-node', import.meta.url))
  const program = process.env.ESPALIER_NODE_BINARY ?? built
  if (!existsSync(program)) throw new NoNodeProgram(program)
  return program
}
