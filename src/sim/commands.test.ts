import { describe, expect, test } from 'vitest'
import { memoryFlash, type NodeFlash } from './command-memory.ts'
import { world } from './suite.ts'

const last = <T>(list: readonly T[]): T => list.at(-1)!

describe('a command', () => {
  test('is executed, and its ack says done with the result', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'set_led', params: { state: 'on', brightness: 128 } })
    expect(w.node.led).toEqual({ on: true, brightness: 128 })
    expect(last(w.acks())).toMatchObject({
      node_id: 'node_n1',
      id: 'a',
      command: 'set_led',
      state: 'done',
      result: { state: 'on', brightness: 128 },
    })
  })

  test('that is retained is ignored and counted', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'set_led', params: { state: 'on' } }, { retain: true })
    expect(w.acks()).toEqual([])
    expect(w.node.led.on).toBe(false)
    expect(w.node.ignoredCommands).toBe(1)
  })

  test('without an id is executed, unless it is a redelivery', () => {
    const w = world()
    w.connect()
    w.command({ command: 'ping' })
    w.command({ command: 'ping' }, { dup: true })
    expect(w.acks()).toHaveLength(1)
    expect(w.acks()[0]).not.toHaveProperty('id')
    expect(w.executed.map(line => line.id)).toEqual([null])
  })

  test.each(['', 'no json', '[]', 'null', '{}', '{"id":"a"}', '{"command":7}', '{"id":7,"command":"ping"}'])(
    'that nobody can answer is ignored: %s',
    payload => {
      const w = world()
      w.connect()
      w.command(payload)
      expect(w.acks()).toEqual([])
      expect(w.node.ignoredCommands).toBe(1)
    },
  )

  test('is remembered before it is executed', () => {
    const w = world()
    w.connect()
    w.order.length = 0
    w.command({ id: 'a', command: 'ping' })
    expect(w.order.slice(0, 2)).toEqual(['save', 'witness'])
  })

  test('is witnessed at the effect with time, id, command, params and boot', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'set_output', params: { name: 'relay', value: 1 } })
    expect(w.executed).toEqual([
      { time: w.clock.wallMs(), id: 'a', command: 'set_output', params: { name: 'relay', value: 1 }, boot: w.node.boot },
    ])
  })

  test('that comes again gets the same final ack and is not executed again', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'ping' })
    w.run(5_000, { acknowledge: true })
    w.command({ id: 'a', command: 'ping' }, { dup: true })
    const [first, again] = w.acks()
    expect({ ...again, timestamp: 0 }).toEqual({ ...first, timestamp: 0 })
    expect(w.executed).toHaveLength(1)
  })

  test('that comes again while it runs is answered running', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'identify', params: { seconds: 5 } })
    w.run(1_000, { acknowledge: true })
    w.command({ id: 'a', command: 'identify', params: { seconds: 5 } })
    expect(w.acks().map(a => a.state)).toEqual(['running', 'running'])
    w.run(5_000, { acknowledge: true })
    expect(last(w.acks()).state).toBe('done')
    expect(w.executed).toHaveLength(1)
  })

  test.each([
    ['other params', '{"id":"a","command":"identify","params":{"seconds":6}}'],
    ['another command', '{"id":"a","command":"ping","params":{"seconds":5}}'],
    ['the same in other bytes', '{"id":"a","command":"identify","params":{"seconds": 5}}'],
  ])('whose id was used with %s is rejected: id_reused', (_, second) => {
    const w = world()
    w.connect()
    w.command('{"id":"a","command":"identify","params":{"seconds":5}}')
    w.command(second)
    expect(last(w.acks())).toMatchObject({ id: 'a', state: 'rejected', error: { code: 'id_reused' } })
    expect(w.executed).toHaveLength(1)
  })

  test('with the same bytes in another order of keys is a repeat', () => {
    const w = world()
    w.connect()
    w.command('{"id":"a","command":"ping","params":{},"expires":9999999999}')
    w.command('{ "params" : {} , "expires":1,"command":"ping","id":"a"}')
    expect(w.acks().map(a => a.state)).toEqual(['done', 'done'])
    expect(w.executed).toHaveLength(1)
  })

  test('that arrives after its deadline is answered expired and not executed', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'ping', expires: w.clock.wallMs() / 1_000 - 1 })
    expect(last(w.acks())).toMatchObject({ id: 'a', state: 'expired', error: { code: 'expired' } })
    expect(w.executed).toEqual([])
  })

  test('that a power cut interrupted is failed: interrupted, and never run again', () => {
    const flash = memoryFlash()
    const before = world({ flash })
    before.connect()
    before.command({ id: 'a', command: 'identify', params: { seconds: 5 } })
    const w = world({ flash })
    w.connect()
    expect(last(w.acks())).toMatchObject({ id: 'a', state: 'failed', error: { code: 'interrupted' } })
    w.command({ id: 'a', command: 'identify', params: { seconds: 5 } })
    expect(last(w.acks())).toMatchObject({ state: 'failed', error: { code: 'interrupted' } })
    expect(w.executed).toEqual([])
  })

  test('that was finished before a restart is still known', () => {
    const flash = memoryFlash()
    const before = world({ flash })
    before.connect()
    before.command({ id: 'a', command: 'ping' })
    before.acknowledgeAll()
    const w = world({ flash })
    w.connect()
    expect(w.acks()).toEqual([])
    w.command({ id: 'a', command: 'ping' })
    expect(last(w.acks())).toMatchObject({ id: 'a', state: 'done' })
    expect(w.executed).toEqual([])
  })
})

describe('the final ack', () => {
  test('is sent again on each connection until its PUBACK', () => {
    const flash = memoryFlash()
    const w = world({ flash })
    w.connect()
    w.command({ id: 'a', command: 'ping' })
    w.do({ kind: 'disconnected' })
    w.connect()
    expect(w.acks()).toHaveLength(2)
    const restarted = world({ flash })
    restarted.connect()
    expect(restarted.acks()).toHaveLength(1)
    restarted.acknowledgeAll()
    restarted.do({ kind: 'disconnected' })
    restarted.connect()
    expect(restarted.acks()).toHaveLength(1)
  })

  test('of a command is not taken as delivered because an id_reused answer with its id was', () => {
    const w = world()
    w.connect()
    w.command({ id: 'a', command: 'ping' })
    w.command({ id: 'a', command: 'read_now' })
    w.acknowledge(w.sent.filter(m => m.channel === 'ack').at(-1)!)
    w.do({ kind: 'disconnected' })
    w.connect()
    expect(last(w.acks())).toMatchObject({ id: 'a', command: 'ping', state: 'done' })
  })
})

describe('the memory for ids', () => {
  const identify = (id: string) => ({ id, command: 'identify', params: { seconds: 60 } })

  test('holds 32: the oldest final one goes first, never one that runs', () => {
    const w = world()
    w.connect()
    w.command(identify('runs'))
    for (let i = 0; i < 33; i++) {
      w.command({ id: `p${i}`, command: 'ping' })
      w.acknowledgeAll()
    }
    const known = (w.flash.load() as NodeFlash).commands.map(c => c.id)
    expect(known).toHaveLength(32)
    expect(known).toContain('runs')
    expect(known).toContain('p32')
    expect(known).not.toContain('p0')
  })

  test('full of running ones answers busy, and the command may come again', () => {
    const w = world()
    w.connect()
    for (let i = 0; i < 32; i++) {
      w.command(identify(`r${i}`))
      w.acknowledgeAll()
    }
    w.command({ id: 'late', command: 'ping' })
    expect(last(w.acks())).toMatchObject({ id: 'late', state: 'rejected', error: { code: 'busy' } })
    w.run(61_000, { acknowledge: true })
    w.command({ id: 'late', command: 'ping' })
    expect(last(w.acks())).toMatchObject({ id: 'late', state: 'done' })
  })
})

describe('built-in', () => {
  const send = (command: string, params?: unknown) => {
    const w = world()
    w.connect()
    w.run(5_000, { acknowledge: true })
    w.sent.length = 0
    w.command({ id: 'a', command, ...(params !== undefined && { params }) })
    return w
  }

  test('ping answers with the uptime', () => {
    expect(last(send('ping').acks())).toMatchObject({ state: 'done', result: { uptime: 5 } })
  })

  test('get_status publishes the status', () => {
    const w = send('get_status')
    expect(w.sent.filter(m => m.channel === 'status')).toHaveLength(1)
    expect(last(w.acks()).state).toBe('done')
  })

  test('read_now publishes one reading, and its ack has the same values', () => {
    const w = send('read_now')
    expect(w.telemetry()).toHaveLength(1)
    expect(last(w.acks()).result).toEqual({ sensors: w.telemetry()[0]!.json.sensors })
  })

  test('set_interval holds until the reboot, configure beyond it', () => {
    const w = send('set_interval', { seconds: 0.5 })
    w.acknowledgeAll()
    expect(w.run(10_000, { acknowledge: true }).filter(m => m.channel === 'telemetry').length).toBeGreaterThanOrEqual(19)
    w.command({ id: 'c', command: 'configure', params: { rev: 4, interval: 2 } })
    expect(w.sent.filter(m => m.channel === 'status').at(-1)!.json).toMatchObject({ config_rev: 4, interval: 2 })
    w.acknowledgeAll()
    w.command({ id: 's', command: 'set_interval', params: { seconds: 9 } })
    w.command({ id: 'r', command: 'reboot' })
    w.run(3_000, { acknowledge: true })
    expect(w.connect()[0]!.json).toMatchObject({ config_rev: 4, interval: 2 })
    const restarted = world({ flash: w.flash })
    expect(restarted.connect()[0]!.json).toMatchObject({ config_rev: 4, interval: 2 })
  })

  test('set_led off makes dark, on without brightness makes bright', () => {
    const w = send('set_led', { state: 'on' })
    expect(w.node.led).toEqual({ on: true, brightness: 255 })
    w.command({ id: 'b', command: 'set_led', params: { state: 'off' } })
    expect(w.node.led).toEqual({ on: false, brightness: 0 })
  })

  test('set_output switches an output', () => {
    const w = send('set_output', { name: 'pump', value: 1 })
    expect(w.node.outputs.get('pump')).toBe(1)
  })

  test('pulse_output switches on and off again, and is busy meanwhile', () => {
    const w = send('pulse_output', { name: 'relay', ms: 500 })
    expect(w.node.outputs.get('relay')).toBe(1)
    expect(last(w.acks()).state).toBe('running')
    w.command({ id: 'b', command: 'pulse_output', params: { name: 'relay', ms: 5 } })
    expect(last(w.acks())).toMatchObject({ id: 'b', state: 'rejected', error: { code: 'busy' } })
    w.run(600, { acknowledge: true })
    expect(w.node.outputs.get('relay')).toBe(0)
    expect(last(w.acks())).toMatchObject({ id: 'a', state: 'done' })
  })

  test('identify runs for its seconds, 10 unless told', () => {
    const w = send('identify')
    w.acknowledgeAll()
    w.run(9_900, { acknowledge: true })
    expect(last(w.acks()).state).toBe('running')
    w.run(200, { acknowledge: true })
    expect(last(w.acks()).state).toBe('done')
  })

  test('reboot: accepted, goodbye, a new boot, its birth, and only then done', () => {
    const w = send('reboot')
    const boot = w.node.boot
    expect(w.acks().map(a => a.state)).toEqual(['accepted'])
    expect(last(w.sent).json).toEqual({ node_id: 'node_n1', online: false, boot, reason: 'reboot' })
    w.acknowledgeAll()
    expect(w.leaves).toHaveLength(1)
    expect(w.node.boot).not.toBe(boot)
    expect(w.node.will().payload).toContain(String(w.node.boot))
    w.run(3_000)
    const [birth, done] = w.connect()
    expect(birth!.json).toMatchObject({ online: true, boot: w.node.boot, reset_reason: 'software' })
    expect(done!.json).toMatchObject({ id: 'a', command: 'reboot', state: 'done' })
    expect(w.executed).toHaveLength(1)
  })

  test('reboot without an id is done after the birth too', () => {
    const w = world()
    w.connect()
    w.command({ command: 'reboot' })
    w.run(4_000, { acknowledge: true })
    w.connect()
    expect(w.acks().map(a => a.state)).toEqual(['accepted', 'done'])
  })

  test('update_firmware is rejected: a virtual node has nothing to flash', () => {
    const params = { url: 'https://h/fw', board: 'virtual', version: '2.0.0', size: 10, sha256: 'a'.repeat(64), signature: 'x' }
    expect(last(send('update_firmware', params).acks())).toMatchObject({ state: 'rejected', error: { code: 'hardware' } })
  })

  test('outputs are safe at boot and after the broker was away for the configured time', () => {
    const w = send('configure', { rev: 1, outputs: { pump: { safe: 1 } }, safe_after: 30 })
    w.command({ id: 'b', command: 'set_output', params: { name: 'pump', value: 0 } })
    w.do({ kind: 'disconnected' })
    w.run(28_000)
    expect(w.node.outputs.get('pump')).toBe(0)
    w.run(5_000)
    expect(w.node.outputs.get('pump')).toBe(1)
    expect(world({ flash: w.flash }).node.outputs.get('pump')).toBe(1)
  })

  test('an unknown command is rejected and says what there is', () => {
    const { code, message } = last(send('explode').acks()).error
    expect(code).toBe('unknown_command')
    expect(message).toContain('set_led')
  })

  test.each([
    ['set_led', {}],
    ['set_led', { state: 'blue' }],
    ['set_led', { state: 'on', brightness: 256 }],
    ['set_led', { state: 'on', brightness: 1.5 }],
    ['set_led', { state: 'on', colour: 'red' }],
    ['set_led', []],
    ['set_led', 'on'],
    ['ping', { x: 1 }],
    ['set_interval', { seconds: 0.05 }],
    ['set_interval', { seconds: 86_401 }],
    ['set_interval', { seconds: '1' }],
    ['configure', {}],
    ['configure', { rev: -1 }],
    ['configure', { rev: 1, outputs: { lamp: { safe: 0 } } }],
    ['configure', { rev: 1, outputs: { relay: { safe: 2 } } }],
    ['pulse_output', { name: 'lamp', ms: 5 }],
    ['set_output', { name: 'lamp', value: 1 }],
    ['set_output', { name: 'relay', value: 1.5 }],
    ['pulse_output', { name: 'relay', ms: 0 }],
    ['pulse_output', { name: 'relay', ms: 60_001 }],
    ['identify', { seconds: 61 }],
    ['reboot', { now: true }],
    ['update_firmware', { url: 'x' }],
  ])('%s rejects the params %j: bad_params', (command, params) => {
    const w = send(command, params)
    expect(last(w.acks())).toMatchObject({ id: 'a', state: 'rejected', error: { code: 'bad_params' } })
    expect(w.executed).toEqual([])
  })
})
