import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { testBroker } from './broker.ts'
import { rawClient } from './client.ts'

const canMount = (() => {
  const at = join(tmpdir(), `broker-tmpfs-probe-${process.pid}`)
  mkdirSync(at)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at]).status === 0
  spawnSync('sh', ['-c', `umount ${at}; rmdir ${at}`])
  return mounted
})()

describe.skipIf(!canMount)('a full disk under the keep (tmpfs, needs root)', () => {
  let disk: string
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), 'broker-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', disk])
  })
  afterEach(async () => {
    execFileSync('umount', ['-l', disk])
    await rm(disk, { recursive: true })
  })

  test('what needs the keep is not acknowledged while it is full; the same process goes on when there is space', async () => {
    const keepDir = join(disk, 'keep')
    const { port, broker, alarms } = await testBroker({ keepDir, limits: { queueMessages: 100_000 } })
    const reader = await rawClient({ port, clientId: 'r', clean: false })
    await reader.subscribe({ 'iot/#': 1 })
    await reader.disconnect()
    const node = await rawClient({ port })
    await node.publish('iot/node/01/telemetry', 'before', 1)
    await writeFile(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024)).catch(() => {})
    let acknowledged = 1
    const published = Array.from({ length: 40 }, (_, i) =>
      node.publish('iot/node/01/telemetry', `${i}`.padEnd(8_000), 1).then(() => {
        acknowledged++
      }),
    )
    await expect.poll(() => alarms.length).toBe(1)
    expect(alarms[0]).toContain("can't be written")
    expect(broker.health().up).toBe(false)
    const stuckAt = acknowledged
    expect(stuckAt).toBeLessThan(41)
    await node.ping()
    expect(acknowledged).toBe(stuckAt)
    await rm(join(disk, 'filler'))
    await Promise.all(published)
    expect(broker.health().up).toBe(true)
    const back = await rawClient({ port, clientId: 'r', clean: false })
    await back.until(() => back.messages.length === 41)
    expect(back.received.slice(1).map(text => Number(text.split(' ')[1]))).toEqual(Array.from({ length: 40 }, (_, i) => i))
  })

  test('a start on a full disk is refused and takes no session for damaged', async () => {
    const keepDir = join(disk, 'keep')
    const before = await testBroker({ keepDir })
    const reader = await rawClient({ port: before.port, clientId: 'r', clean: false })
    await reader.subscribe({ 'iot/#': 1 })
    await reader.disconnect()
    await (await rawClient({ port: before.port })).publish('iot/node/01/telemetry', 'waits', 1)
    await before.broker.close()
    await writeFile(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024)).catch(() => {})
    await expect(testBroker({ keepDir })).rejects.toThrow(/can't open its sessions .*No space left/)
    await rm(join(disk, 'filler'))
    const after = await testBroker({ keepDir })
    expect(after.alarms).toEqual([])
    const back = await rawClient({ port: after.port, clientId: 'r', clean: false })
    await back.expect('publish')
    expect(back.received).toEqual(['iot/node/01/telemetry waits'])
  })

  test('close gives up what waits for space, unacknowledged', async () => {
    const { port, broker, alarms } = await testBroker({ keepDir: join(disk, 'keep'), limits: { closeMs: 300 } })
    await writeFile(join(disk, 'filler'), Buffer.alloc(8 * 1024 * 1024)).catch(() => {})
    const node = await rawClient({ port })
    for (let i = 0; i < 20; i++) void node.publish('iot/node/01/status', `${i}`.padEnd(60_000), 1, true).catch(() => {})
    await expect.poll(() => alarms.length).toBeGreaterThan(0)
    await broker.close()
    expect(node.packets.filter(({ cmd }) => cmd === 'puback').length).toBeLessThan(20)
  })
})
