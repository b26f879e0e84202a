import { openEmbeddedBroker } from '../../src/broker/embedded/embedded.ts'
import { systemClock } from '../../src/kit/clock.ts'

/** The process that is killed: `node server.mjs KEEP` is a broker that keeps its sessions in KEEP and prints its port. */
const broker = await openEmbeddedBroker(
  {
    listeners: [{ host: '127.0.0.1', port: 0, anonymous: true }],
    keepDir: process.argv[2]!,
    clock: systemClock,
    version: 'test',
    limits: { queueMessages: 1_000_000, queueBytes: 1e9 },
  },
  { accept: async () => {}, oversize: () => {}, reachability: () => {}, authenticate: async () => null },
)
process.stdout.write(`${broker.ports[0]}\n`)
