// npm run firmware [-- DIR [VERSION [BOARD]]]: builds the node for this machine, firmware/build/espalier-node. A second build of another
// version, in a directory of its own, is the image an update brings.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const [dir = 'firmware/build', asked = version, board = 'host'] = process.argv.slice(2)

const there = program => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0
const missing = []
if (!there('g++')) missing.push('g++')
if (!there('cmake')) missing.push('cmake')
if (!there('make')) missing.push('make')
if (!existsSync('/usr/include/openssl/ssl.h')) missing.push('libssl-dev')
if (missing.length > 0) {
  console.error(`the node is C++ and needs ${missing.join(', ')}: apt-get install ${missing.join(' ')}`)
  process.exit(1)
}

function run(program, args) {
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8', env: { ...process.env, MAKEFLAGS: '' } })
  if (result.status === 0) return
  console.error(`${result.stdout}${result.stderr}`)
  process.exit(1)
}
run('cmake', ['-S', 'firmware', '-B', dir, `-DESPALIER_VERSION=${asked}`, `-DESPALIER_BOARD=${board}`])
run('cmake', ['--build', dir, '--parallel', String(availableParallelism())])
console.log(`${dir}/espalier-node`)
