import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { openEmbeddedBroker } from '../../src/broker/embedded/embedded.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { openDurableLane } from './durable-lane.ts'

/** A broker in a process of its own for bench/broker.ts: prints its port, ends on SIGTERM. ESPALIER_BENCH_DIR chooses the disk. */

/** Ours with all that its acknowledgement promises: lane, ledger and a journal that is synced before each PUBACK, sessions kept on
 *  disk. Without a store, which is behind the acknowledgement. A user is a service, as a subscriber in earnest is. */
export async function ours(): Promise<void> {
  const { dir, journal, lane, trim } = await openDurableLane('bench-broker-')
  const broker = await openEmbeddedBroker(
    {
      listeners: [{ host: '127.0.0.1', port: 0, anonymous: true }],
      keepDir: join(dir, 'keep'),
      limits: { connections: 20_000 },
      clock: systemClock,
      version: 'bench',
    },
    {
      accept: group => lane.accept(group),
      oversize: () => {},
      reachability: () => {},
      authenticate: async ({ user }) => ({ role: 'service', user }),
    },
  )
  ready(broker.ports[0]!)
  await told()
  clearInterval(trim)
  await broker.close()
  await lane.close()
  await journal.close()
  await rm(dir, { recursive: true, force: true })
  process.exit(0)
}

export async function aedes(): Promise<void> {
  const { Aedes } = await import('aedes')
  const broker = await Aedes.createBroker()
  const server = createServer({ noDelay: true }, broker.handle)
  await new Promise<void>(resolve => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => resolve()))
  ready((server.address() as { port: number }).port)
  await told()
  process.exit(0)
}

const ready = (port: number): void => void process.stdout.write(`${port} ${process.pid}\n`)
const told = (): Promise<void> => new Promise(resolve => process.once('SIGTERM', () => resolve()))
