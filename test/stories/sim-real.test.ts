import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { cli, temporaryData, until, upWith } from '../espalier.ts'
import { buildHostNode, hostToolsThere } from '../firmware/host-node.ts'

/** Somebody wants to see real nodes without a board: the firmware as processes, in place of virtual nodes. */
describe('up --sim-real', () => {
  test.skipIf(!hostToolsThere)('runs the firmware as processes, which end with it', { timeout: 300_000 }, async () => {
    const { dir, remove } = await temporaryData()
    const ESPALIER_NODE_BINARY = await buildHostNode()
    const house = await upWith({ ESPALIER_NODE_BINARY }, dir, '--sim-real', '2', '--sim-interval', '0.5')
    try {
      const nodes = await until('both have stored readings', async () => {
        const { items } = (await house.api<{ items: { id: string; stored: number; state: string }[] }>('/api/nodes')).body
        return items.length === 2 && items.every(({ stored }) => stored > 3) ? items : undefined
      })
      expect(nodes).toMatchObject([
        { id: 'sim-1', state: 'online', board: 'host' },
        { id: 'sim-2', state: 'online', board: 'host' },
      ])
      expect((await house.cli('send', 'sim-2', 'reboot', '--json')).json()).toMatchObject({ state: 'done' })
      expect(existsSync(join(dir, 'sim/sim-1'))).toBe(true)
    } finally {
      expect(await house.stop()).toBe(0)
      await remove()
    }
  })

  test('without the program it says what builds it (exit 2)', async () => {
    const { dir, remove } = await temporaryData()
    const flags = ['--sim-real', '1', '--mqtt-port', '0', '--http-port', '0']
    const ran = await cli(['up', ...flags], { data: dir, env: { ESPALIER_NODE_BINARY: join(dir, 'nothing') } })
    expect(ran.code).toBe(2)
    expect(ran.stderr).toContain('npm run firmware')
    const both = await cli(['up', ...flags, '--sim', '3'], { data: dir })
    expect(both.code).toBe(2)
    expect(both.stderr).toContain('one of the two')
    await remove()
  })
})
