import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectAsync } from 'mqtt'
import { expect, test } from 'vitest'
import { cli, temporaryData, type Up, up } from '../espalier.ts'

/** The house moves: a board that was let in at the old place is let in at the new one, by the same CA and the same password. */
test('a board keeps its password and its trust in the CA over a backup and a restore elsewhere', async () => {
  const room = await temporaryData()
  let house: Up | undefined
  const ports = ['--lan', '--mqtts-port', '0', '--https-port', '0']
  try {
    house = await up(join(room.dir, 'old'), ...ports)
    const { username, password } = (await house.cli('node', 'add', 'g1', '--json')).json()
    const ca = await readFile(join(room.dir, 'old/ca/ca.pem'), 'utf8')
    const file = join(room.dir, 'house.espalier')
    expect((await house.cli('backup', file)).code).toBe(0)
    await house.stop()
    expect((await cli(['restore', file], { data: join(room.dir, 'new') })).code).toBe(0)
    house = await up(join(room.dir, 'new'), ...ports)
    const board = await connectAsync(`mqtts://localhost:${house.run.mqtts!.port}`, { ca, username, password, clientId: 'g1' })
    await board.publishAsync('iot/node/g1/telemetry', '{"node_id":"node_g1","sensors":{"temperature":22.5}}', { qos: 1 })
    await board.endAsync()
    expect((await house.cli('node', 'show', 'g1', '--json')).json()).toMatchObject({ stored: 1, claimed: true })
    const stranger = connectAsync(`mqtts://localhost:${house.run.mqtts!.port}`, {
      ca,
      username,
      password: 'another',
      reconnectPeriod: 0,
    })
    await expect(stranger).rejects.toThrow()
  } finally {
    await house?.stop()
    await room.remove()
  }
})
