import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryData, up } from '../espalier.ts'

/** Schemathesis reads openapi.json and asks every route with what the schema allows and what it doesn't. It is a program of other
 *  people's that knows nothing of our code: what it finds as 5xx, we did not think of. scripts/install-test-services fetches it. */
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const tool = join(cache, 'schemathesis/bin/schemathesis')
const scale = Number(process.env.ESPALIER_TEST_SCALE ?? 1)

/** Streams that never end, the route that takes away the token in use, and the examination of a node, which takes a minute and more. */
const leftOut = ['/api/events', '/api/token/rotate', '/api/backup', '/api/nodes/{id}/conformance']

test.skipIf(!existsSync(tool))('schemathesis finds no 5xx', { timeout: 1_200_000 }, async () => {
  const data = await temporaryData()
  const server = await up(data.dir, '--sim', '2', '--sim-interval', '0.5')
  try {
    const args = ['run', `${server.url}/api/openapi.json`, '-H', `Authorization: Bearer ${server.token}`]
    args.push(
      '--checks',
      'not_a_server_error',
      '--max-examples',
      String(20 * scale),
      '--seed',
      '4711',
      '--phases',
      'examples,coverage,fuzzing',
    )
    for (const path of leftOut) args.push('--exclude-path', path)
    const child = spawn(tool, [...args, '--no-color'], { stdio: ['ignore', 'pipe', 'pipe'], cwd: data.dir })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (said += text))
    const code = await new Promise(done => child.once('exit', done))
    expect(said).toMatch(/Operations: +\d+ selected|API Operations|Tested: \d+/i)
    expect(code, said.slice(-4_000)).toBe(0)
    expect((await server.api('/healthz')).status).toBe(200)
  } finally {
    await server.stop()
    await data.remove()
  }
})
