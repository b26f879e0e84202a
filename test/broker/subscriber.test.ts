import { onTestFinished, test } from 'vitest'
import type { BrokerHandlers } from '../../src/broker/broker.ts'
import { type MosquittoBroker, type MosquittoOptions, openMosquittoBroker } from '../../src/broker/mosquitto/mosquitto.ts'
import { brokerSuite } from '../../src/broker/suite.ts'
import { systemClock } from '../../src/kit/clock.ts'
import { seeded } from '../../src/kit/random.ts'
import { hasMosquitto, startMosquitto } from './mosquitto.ts'

/** The subscriber of somebody else's broker, held to the port by the suite of all brokers; the broker is Debian's mosquitto. */
const anonymous = { user: null, password: null, ca: null, cert: null, key: null }

function subscriber(port: number, handlers: Partial<BrokerHandlers>, options: Partial<MosquittoOptions> = {}) {
  let broker!: MosquittoBroker
  const up = new Promise<void>(resolve => {
    broker = openMosquittoBroker(
      {
        host: '127.0.0.1',
        port,
        tls: false,
        credentials: async () => anonymous,
        clientId: '_manager',
        clock: systemClock,
        random: seeded(1),
        onUp: resolve,
        ...options,
      },
      {
        accept: async () => undefined,
        oversize: () => undefined,
        reachability: () => undefined,
        authenticate: async () => null,
        ...handlers,
      },
    )
  })
  onTestFinished(() => broker.close())
  return up.then(() => broker)
}

if (hasMosquitto)
  brokerSuite('behind mosquitto', {
    open: async handlers => {
      const mosquitto = await startMosquitto()
      onTestFinished(() => mosquitto.stop())
      const broker = await subscriber(mosquitto.port, handlers)
      return { broker, client: { host: '127.0.0.1', port: mosquitto.port } }
    },
  })
else test.skip('behind mosquitto: it is not installed', () => undefined)
