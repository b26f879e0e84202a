import { describe, expect, test } from 'vitest'
import { parseTopic } from '../../contract/topics.ts'
import type { Identity } from '../broker.ts'
import { contractPermissions } from './permissions.ts'

const may = contractPermissions('iot')
const topic = (name: string) => ({ name, levels: name.split('/'), parsed: parseTopic(name) })
const local: Identity = { role: 'local', user: null }
const node: Identity = { role: 'node', user: '01' }
const service: Identity = { role: 'service', user: '_manager' }

/** topic, then who publishes it: l(ocal), n(ode 01), s(ervice). */
const publishes: [string, string][] = [
  ['iot/node/01/telemetry', 'lns'],
  ['iot/node/01/status', 'lns'],
  ['iot/node/01/ack', 'lns'],
  ['iot/node/01/log', 'lns'],
  ['iot/node/01/command', 's'],
  ['iot/node/01/receipt', 's'],
  ['iot/node/02/telemetry', 'ls'],
  ['iot/node/02/log', 'ls'],
  ['iot/node/b d/telemetry', 'ls'],
  ['iot/node/_x/status', 'ls'],
  ['iot/node/b d/log', 's'],
  ['iot/node/b d/command', 's'],
  ['iot/node/01/telemetry/x', 's'],
  ['iot/node/01', 's'],
  ['iot/broker/status', 's'],
  ['iot/broker/stats', 's'],
  ['iot', 's'],
  ['iotx/node/01/telemetry', ''],
  ['/iot/node/01/telemetry', ''],
  ['$SYS/broker/version', ''],
  ['$iot/node/01/telemetry', ''],
  ['site/a/iot/node/01/telemetry', ''],
]

/** filter, then who may hold it. */
const subscribes: [string, string][] = [
  ['iot/#', 'ls'],
  ['iot/+/01/command', 'ls'],
  ['iot', 'ls'],
  ['iot/node/01/command', 'lns'],
  ['iot/node/01/receipt', 'lns'],
  ['iot/broker/status', 'lns'],
  ['iot/node/01/telemetry', 'ls'],
  ['iot/node/02/command', 'ls'],
  ['iot/node/01/#', 'ls'],
  ['iot/node/+/command', 'ls'],
  ['iot/broker/stats', 'ls'],
  ['$SYS/#', 'ls'],
  ['#', ''],
  ['+/node/01/command', ''],
  ['+/#', ''],
  ['other/#', ''],
  ['$other/#', ''],
  ['/iot/#', ''],
]

const who: [string, Identity][] = [
  ['l', local],
  ['n', node],
  ['s', service],
]

describe('the table of the wire contract', () => {
  test.each(publishes)('%s is published by %s', (name, allowed) => {
    expect(
      who
        .filter(([, identity]) => may.publish(identity, topic(name)))
        .map(([letter]) => letter)
        .join(''),
    ).toBe(allowed)
  })
  test.each(subscribes)('%s is subscribed by %s', (filter, allowed) => {
    expect(
      who
        .filter(([, identity]) => may.subscribe(identity, filter))
        .map(([letter]) => letter)
        .join(''),
    ).toBe(allowed)
  })
  test.each(subscribes.filter(([filter]) => !/[+#]/.test(filter)))(
    '%s is received by those who may subscribe to it',
    (name, allowed) => {
      expect(
        who
          .filter(([, identity]) => may.receive(identity, topic(name)))
          .map(([letter]) => letter)
          .join(''),
      ).toBe(allowed)
    },
  )
  test('a configured root moves the whole table', () => {
    const moved = contractPermissions('farm')
    const there = (name: string) => ({ name, levels: name.split('/'), parsed: parseTopic(name, 'farm') })
    expect(moved.publish(node, there('farm/node/01/ack'))).toBe(true)
    expect(moved.publish(node, there('iot/node/01/ack'))).toBe(false)
    expect(moved.subscribe(local, 'farm/#')).toBe(true)
    expect(moved.subscribe(local, 'iot/#')).toBe(false)
  })
})
