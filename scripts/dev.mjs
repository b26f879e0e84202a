// npm run dev: the manager with three virtual nodes on data/, rebuilt and restarted when src/ changes; the console by Vite's own
// server, which hands /api to the manager.
import { spawn } from 'node:child_process'
import { watch } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const start = (command, args) => spawn(command, args, { cwd: root, stdio: 'inherit' })
const build = () => new Promise(done => start('npx', ['tsc', '-p', 'tsconfig.build.json']).on('exit', code => done(code === 0)))

let manager
let restart = Promise.resolve()
async function turn() {
  if (!(await build())) return
  if (manager && manager.exitCode === null) {
    const gone = new Promise(done => manager.once('exit', done))
    manager.kill('SIGTERM')
    await gone
  }
  manager = start(process.execPath, ['dist/cli/main.js', 'up'])
}

let timer
watch(fileURLToPath(new URL('../src', import.meta.url)), { recursive: true }, () => {
  clearTimeout(timer)
  timer = setTimeout(() => (restart = restart.then(turn)), 200)
})
await turn()
const vite = start('npx', ['vite', 'console'])
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    vite.kill(signal)
    manager?.kill(signal)
    manager?.once('exit', () => process.exit(0))
  })
