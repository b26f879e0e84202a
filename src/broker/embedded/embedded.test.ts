import { systemClock } from '../../kit/clock.ts'
import { brokerSuite } from '../suite.ts'
import { openEmbeddedBroker } from './embedded.ts'

brokerSuite('the embedded broker', {
  open: async handlers => {
    const listeners = [{ host: '127.0.0.1', port: 0, anonymous: true }]
    const broker = await openEmbeddedBroker({ listeners, clock: systemClock, version: 'test' }, handlers)
    return { broker, client: { host: '127.0.0.1', port: broker.ports[0]! } }
  },
})
