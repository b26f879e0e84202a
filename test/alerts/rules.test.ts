import { beforeEach, describe, expect, test } from 'vitest'
import { hot, ruleOf, World } from './world.ts'

let world: World
beforeEach(() => {
  world = new World()
})

describe('a threshold', () => {
  test('is pending, firing, over, and each is told to whoever listens', async () => {
    await world.open([hot({ forMs: 10_000 })])
    world.read(31)
    expect(world.states()).toEqual(['hot 01 pending'])
    await world.pass(10)
    world.read(32)
    await world.alerts.tick()
    expect(world.alerts.list({ limit: 1 })[0]).toMatchObject({
      state: 'firing',
      sensor: 'temperature',
      value: 32,
      detail: 'temperature is 32; allowed: up to 30',
    })
    world.read(27)
    await world.pass(60)
    world.read(27.5)
    await world.alerts.tick()
    expect(world.states()).toEqual(['hot 01 resolved'])
    expect(world.seen.map(a => a.state)).toEqual(['pending', 'firing', 'resolved'])
  })

  test('that flaps is one alert', async () => {
    await world.open([hot()])
    for (let i = 0; i < 300; i++) {
      world.read(i % 2 ? 20 : 40)
      await world.pass(1)
    }
    expect(world.states()).toEqual(['hot 01 firing'])
    expect(world.seen.filter(a => a.state === 'firing').length).toBe(1)
  })

  test('has one alert a node and sensor', async () => {
    world.node('02')
    await world.open([hot(), hot({ name: 'cold' })])
    for (let i = 0; i < 3; i++) for (const node of ['01', '02']) world.read(40, { node })
    expect(world.states().sort()).toEqual(['cold 01 firing', 'cold 02 firing', 'hot 01 firing', 'hot 02 firing'])
  })

  test('is no alert while nothing comes: it neither fires nor ends', async () => {
    await world.open([hot({ forMs: 10_000 })])
    world.read(40)
    await world.pass(120)
    expect(world.states()).toEqual(['hot 01 pending'])
    world.read(40)
    world.read(20)
    await world.pass(600)
    expect(world.states()).toEqual(['hot 01 firing'])
  })

  test('does not look at history: a backlog is not now', async () => {
    await world.open([hot()])
    world.read(20)
    world.read(90, { time: world.clock.wallMs() - 1_000 }) // older than the newest
    world.node('02')
    world.read(90, { node: '02', time: world.clock.wallMs() - 3_600_000 })
    expect(world.states()).toEqual([])
  })

  test('looks at the nodes it is for: by id, by tag, also when the tag comes later', async () => {
    world.node('02', { tags: ['wet'] })
    await world.open([hot({ name: 'one', nodes: '01' }), hot({ name: 'tagged', nodes: 'tag:wet' })])
    for (const node of ['01', '02', '03']) world.read(40, { node })
    expect(world.states().sort()).toEqual(['one 01 firing', 'tagged 02 firing'])
    world.node('01', { tags: ['wet'] })
    world.node('02', { tags: [] })
    await world.pass(10)
    world.read(40)
    expect(world.states().sort()).toEqual(['one 01 firing', 'tagged 01 firing', 'tagged 02 resolved'])
  })
})

describe('silence', () => {
  const silent = ruleOf('silent', { kind: 'silent' }, { forMs: 60_000 })

  test('of a node that is late or offline for long enough, and over when it is heard', async () => {
    await world.open([silent])
    await world.pass(300)
    expect(world.states()).toEqual([])
    world.node('01', { state: 'late' })
    await world.pass(70)
    expect(world.states()).toEqual(['silent 01 firing'])
    world.node('01', { state: 'online' })
    await world.pass(6)
    expect(world.states()).toEqual(['silent 01 resolved'])
  })

  test('of a node that has not been heard since the start, but not of one that sleeps', async () => {
    world.node('01', { state: 'unknown' })
    world.node('02', { state: 'asleep', interval: 600 })
    await world.open([silent])
    await world.pass(120)
    expect(world.states()).toEqual(['silent 01 firing'])
    await world.pass(1_800)
    expect(world.states().sort()).toEqual(['silent 01 firing', 'silent 02 firing'])
  })

  test('stays one alert over a restart, and of a removed node ends', async () => {
    world.node('01', { state: 'late' })
    await world.open([silent])
    await world.pass(70)
    const [before] = world.alerts.list({ limit: 1 })
    world.node('01', { state: 'unknown' })
    await world.restart([silent])
    await world.pass(300)
    expect(world.alerts.list({ limit: 9 }).map(a => a.id)).toEqual([before!.id])
    world.nodes.clear()
    await world.pass(6)
    expect(world.alerts.list({ limit: 9 })[0]).toMatchObject({ state: 'resolved', detail: 'the node was removed' })
  })
})

describe('what boards and ledger tell', () => {
  test('a weak signal of a node that is heard', async () => {
    await world.open([ruleOf('rssi', { kind: 'rssi', below: -85, clear: -80 })])
    world.node('01', { rssi: -90 })
    world.node('02', { rssi: -95, state: 'late' })
    await world.pass(6)
    expect(world.states()).toEqual(['rssi 01 firing'])
    world.node('01', { rssi: -82 })
    await world.pass(6)
    expect(world.states()).toEqual(['rssi 01 firing'])
    world.node('01', { rssi: -80 })
    await world.pass(6)
    expect(world.states()).toEqual(['rssi 01 resolved'])
  })

  test('a board that starts again and again; a backlog of the boot before is no start', async () => {
    await world.open([ruleOf('loop', { kind: 'reboot_loop', boots: 3, withinMs: 600_000 })])
    for (const boot of [1, 2, 1, 2, 1, 2]) {
      await world.pass(1)
      world.read(20, { boot })
    }
    await world.pass(6)
    expect(world.states()).toEqual([])
    for (const boot of [3, 4]) {
      await world.pass(1)
      const status = { node_id: 'node_01', online: true, boot } as const
      world.event({ kind: 'status', node: '01', arrived: world.clock.wallMs(), live: true, status })
    }
    await world.pass(6)
    expect(world.states()).toEqual(['loop 01 firing'])
    await world.pass(600)
    expect(world.states()).toEqual(['loop 01 resolved'])
  })

  test('readings lost since the watch began, not those of last year', async () => {
    world.ledgers.set('01', { lost: 500 })
    await world.open([ruleOf('loss', { kind: 'loss', lost: 2, missing: null, withinMs: 300_000 })])
    await world.pass(60)
    expect(world.states()).toEqual([])
    world.ledgers.set('01', { lost: 503 })
    await world.pass(35)
    expect(world.alerts.list({ limit: 1 })[0]).toMatchObject({
      state: 'firing',
      value: 3,
      detail: expect.stringContaining('3 readings lost'),
    })
    await world.pass(340)
    expect(world.states()).toEqual(['loss 01 resolved'])
  })

  test('readings that are missing now', async () => {
    await world.open([ruleOf('gap', { kind: 'loss', lost: null, missing: 10, withinMs: 300_000 })])
    world.ledgers.set('01', { missing: 10 })
    await world.pass(31)
    expect(world.states()).toEqual(['gap 01 firing'])
    world.ledgers.set('01', { missing: 0 })
    await world.pass(31)
    expect(world.states()).toEqual(['gap 01 resolved'])
  })
})

describe('the machine', () => {
  const dayMs = 86_400_000
  const disk = ruleOf('disk', { kind: 'disk', freeBytes: 1e9, fullWithinMs: 7 * dayMs })
  const certificate = ruleOf('certificate', { kind: 'certificate', expiresWithinMs: 14 * dayMs })

  test('has little room, or will have', async () => {
    await world.open([disk])
    world.machine = { ...world.machine, diskFreeBytes: 0.5e9 }
    await world.pass(11)
    expect(world.states()).toEqual(['disk - firing'])
    world.machine = { ...world.machine, diskFreeBytes: 50e9 }
    await world.pass(11)
    expect(world.states()).toEqual(['disk - resolved'])
    world.machine = { ...world.machine, fullAt: world.clock.wallMs() + 3 * dayMs }
    await world.pass(11)
    expect(world.alerts.list({ limit: 1 })[0]!.detail).toMatch(/full on \d{4}-\d\d-\d\d/)
  })

  test('has a certificate that ends; the first one counts; a clock that is not believed says nothing', async () => {
    world.suspect = true
    await world.open([certificate])
    const expires = world.clock.wallMs() + 5 * dayMs
    world.machine = {
      ...world.machine,
      certificates: [
        { name: 'ca', expires: expires + 900 * dayMs },
        { name: 'server', expires },
      ],
    }
    await world.pass(11)
    expect(world.states()).toEqual([])
    world.suspect = false
    await world.pass(11)
    expect(world.alerts.list({ limit: 1 })[0]).toMatchObject({ value: 5, detail: expect.stringContaining('"server"') })
  })

  test('of which nothing is known is no alert', async () => {
    world.machine = { diskFreeBytes: null, diskTotalBytes: null, fullAt: null, certificates: [] }
    await world.open([disk, certificate])
    await world.pass(60)
    expect(world.states()).toEqual([])
  })
})

describe('durations', () => {
  test('go on over a restart: what was bad before counts', async () => {
    const rule = hot({ forMs: 60_000 })
    await world.open([rule])
    world.read(40)
    await world.pass(20)
    await world.restart([rule], [], 45_000)
    world.read(40)
    expect(world.states()).toEqual(['hot 01 firing'])
  })

  test('are of the monotonic clock in a run, and a clock that is not believed adds nothing', async () => {
    const rule = hot({ forMs: 60_000 })
    await world.open([rule])
    world.read(40)
    await world.pass(20)
    world.clock.wall += 86_400_000 // somebody set it
    world.read(40)
    expect(world.states()).toEqual(['hot 01 pending'])
    world.suspect = true
    await world.restart([rule], [], 86_400_000)
    world.read(40)
    expect(world.states()).toEqual(['hot 01 pending'])
  })
})

describe('rules that change while running', () => {
  test('a rule that looks at another sensor now begins anew; what was pending is told as over', async () => {
    const alerts = await world.open([hot(), hot({ name: 'slow', forMs: 60_000 })])
    world.read(40)
    await world.pass(1)
    const moved = { kind: 'threshold', sensor: 'soil', above: 30, below: null, clear: 28 } as const
    alerts.setRules({ rules: [hot(moved), hot({ name: 'slow', forMs: 60_000, ...moved })], channels: [] })
    await world.pass(1)
    expect(world.states()).toEqual(['hot 01 resolved'])
    expect(world.seen.map(a => `${a.rule} ${a.state}`)).toEqual(['slow pending', 'hot firing', 'slow resolved', 'hot resolved'])
  })

  test('alerts of a rule that is gone end, others stay', async () => {
    const alerts = await world.open([hot(), hot({ name: 'warm' })])
    world.read(40)
    alerts.setRules({ rules: [hot({ name: 'warm' })], channels: [] })
    await world.pass(1)
    expect(world.states().sort()).toEqual(['hot 01 resolved', 'warm 01 firing'])
    expect(alerts.rules().map(rule => [rule.name, rule.firing])).toEqual([['warm', 1]])
    world.read(40)
    expect(world.states().sort()).toEqual(['hot 01 resolved', 'warm 01 firing'])
  })
})
