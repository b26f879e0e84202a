import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { cli, temporaryData, until, upWith } from '../espalier.ts'
import { buildHostNode, hostToolsThere, startNode } from '../firmware/host-node.ts'

/** The node processes that were started with this folder for their flash. */
async function processesIn(dir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  const lines = await Promise.all(pids.map(pid => readFile(`/proc/${pid}/cmdline`, 'latin1').catch(() => '')))
  return pids.filter((_, i) => lines[i]!.includes('--exec-log') && lines[i]!.includes(dir)).map(Number)
}

const bothRun = (dir: string) =>
  until('two processes', async () => {
    const pids = await processesIn(dir)
    return pids.length === 2 ? pids : undefined
  })
const noneRuns = (dir: string) =>
  until('their end', async () => ((await processesIn(dir)).length === 0 ? true : undefined), 10_000)

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
        { id: 'sim-1', state: 'online', board: 'host', virtual: true },
        { id: 'sim-2', state: 'online', board: 'host', virtual: true },
      ])
      expect((await house.cli('send', 'sim-2', 'reboot', '--json')).json()).toMatchObject({ state: 'done' })
      expect(existsSync(join(dir, 'sim/sim-1'))).toBe(true)

      const ended = (await house.cli('demo', 'stop', '--forget', '--json')).json()
      expect(ended).toEqual({ stopped: ['sim-1', 'sim-2'], forgotten: ['sim-1', 'sim-2'] })
      expect((await house.api('/api/nodes')).body.items).toEqual([])
      expect([await processesIn(dir), existsSync(join(dir, 'sim'))]).toEqual([[], false])
    } finally {
      expect(await house.stop()).toBe(0)
      await remove()
    }
  })

  test.skipIf(!hostToolsThere)('they end with it when it is killed, also after a reboot of theirs', async () => {
    const { dir, remove } = await temporaryData()
    onTestFinished(remove)
    const ESPALIER_NODE_BINARY = await buildHostNode()
    const house = await upWith({ ESPALIER_NODE_BINARY }, dir, '--sim-real', '2', '--sim-interval', '0.5')
    onTestFinished(() => house.kill())
    const before = await bothRun(dir)
    await until('sim-1 online', async () => ((await house.api('/api/nodes/sim-1')).body.state === 'online' ? true : undefined))
    expect((await house.cli('send', 'sim-1', 'reboot', '--json')).json()).toMatchObject({ state: 'done' })
    expect(await bothRun(dir)).toEqual(before)
    await house.kill()
    await noneRuns(dir)
  })

  test.skipIf(!hostToolsThere)('a node whose parent is another, or gone, does not run', async () => {
    const { dir, remove } = await temporaryData()
    onTestFinished(remove)
    const started = startNode(await buildHostNode(), '--state', join(dir, 'node'), '--with-parent', String(process.ppid))
    await expect(started).rejects.toThrow(/ended with 2.*--with-parent: \d+ is not who started it/s)
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
