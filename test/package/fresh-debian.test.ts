import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryData } from '../espalier.ts'

/** The README word for word on a Debian 12 that has nothing but git and Node 20: a tree of its own (made by debootstrap in
 *  scripts/install-test-services), a user who is not root, and no way out of the machine once the packages are there. Mounts and
 *  network live in namespaces of the script's own and end with it. */
const run = promisify(execFile)
const cache = process.env.ESPALIER_TEST_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'espalier-test')
const base = join(cache, 'debian-12')
const there = existsSync(join(base, 'usr/local/bin/node')) && process.getuid?.() === 0
const root = fileURLToPath(new URL('../..', import.meta.url))

/** The shell lines of the README below a heading, without their comments. */
async function linesOf(heading: string): Promise<string[]> {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const section = readme.split(/^## /m).find(part => part.startsWith(`${heading}\n`))
  const block = /```sh\n([\s\S]*?)```/.exec(section ?? '')?.[1]
  if (block === undefined) throw new Error(`README.md has no shell block below "${heading}"`)
  const lines = block.split('\n').map(line => line.replace(/ {2,}#.*$/, '').trim())
  return lines.filter(line => line !== '')
}

test.skipIf(!there)('the README works word for word on a fresh Debian 12', { timeout: 900_000 }, async () => {
  const { dir, remove } = await temporaryData()
  try {
    const [clone, both] = await linesOf('Run it')
    expect(clone).toBe('git clone <this repository> espalier && cd espalier')
    expect(both).toBe('npm ci && npm start')
    const tries = await linesOf('The first ten minutes')
    expect(tries.length).toBeGreaterThan(3)

    await run('git', ['bundle', 'create', join(dir, 'espalier.bundle'), 'HEAD'], { cwd: root })
    await writeFile(join(dir, 'get.sh'), `set -e\ncd\n${clone!.replace('<this repository>', './espalier.bundle')}\nnpm ci\n`)
    await writeFile(
      join(dir, 'use.sh'),
      [
        'set -e\ncd ~/espalier\nnpm start > ~/up.log 2>&1 &\nup=$!',
        'for n in $(seq 300); do [ -e data/run.json ] && break; sleep 0.1; done',
        // `watch` goes on until somebody ends it, as its comment in the README says; and a first reading takes a second to come.
        'sleep 2',
        ...tries.map(
          line => `echo "## ${line}"\n${line.includes(' watch ') ? `timeout -s INT 3 ${line} || [ $? = 124 ]` : line}`,
        ),
        'kill -INT $(node -p "JSON.parse(require(\'fs\').readFileSync(\'data/run.json\')).pid")\nwait $up\necho "## ended with $?"\ncat ~/up.log',
      ].join('\n'),
    )
    const script = `
      set -e
      cp -a ${base} tree
      mount --make-rprivate /
      mount -t proc proc tree/proc
      mount --rbind /dev tree/dev
      cp -L /etc/resolv.conf tree/etc/resolv.conf
      mkdir -p tree/home/pi && cp espalier.bundle get.sh use.sh tree/home/pi/ && chown -R 1000:1000 tree/home/pi
      # A machine behind a proxy with a CA of its own lends it to the tree.
      if [ -n "$NODE_EXTRA_CA_CERTS" ]; then
        cp -L "$NODE_EXTRA_CA_CERTS" tree/etc/machine-ca.pem
        export EXTRA=NODE_EXTRA_CA_CERTS=/etc/machine-ca.pem
      fi
      as_pi() { chroot --userspec=1000:1000 tree /usr/bin/env -i HOME=/home/pi PATH=/usr/local/bin:/usr/bin:/bin NO_COLOR=1 $EXTRA sh "$@"; }
      as_pi /home/pi/get.sh >&2
      export -f as_pi
      unshare --net bash -c 'ip link set lo up; as_pi /home/pi/use.sh'`
    const { stdout } = await run('unshare', ['--mount', 'bash', '-c', script], { cwd: dir, maxBuffer: 64 * 1024 * 1024 })
    const said = Object.fromEntries(stdout.split(/^## /m).map(part => [part.split('\n', 1)[0]!, part]))
    for (const line of tries) expect(Object.keys(said)).toContain(line)
    expect(said[tries.find(line => line.includes(' nodes'))!]).toContain('sim-3')
    expect(said[tries.find(line => line.includes(' send '))!]).toContain('done')
    expect(said[tries.find(line => line.includes(' export '))!]).toMatch(/time,node,boot,seq,[\s\S]*sim-1/)
    expect(stdout).toContain('## ended with 0')
    expect(stdout).toContain('is ready')
  } finally {
    await remove()
  }
})
