import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onTestFinished } from 'vitest'
import { cleanEnv } from '../espalier.ts'

/** The real node process, espalier-node: built once, started with the flags of a test, gone when the test ends. */
const root = fileURLToPath(new URL('../..', import.meta.url))
const there = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

/** Can it be built here? */
export const hostToolsThere = there('g++') && there('cmake') && there('make') && existsSync('/usr/include/openssl/ssl.h')

const built = new Map<string, Promise<string>>()

/** Builds it, or finds it built; ESPALIER_NODE_BINARY names another (one under sanitizers). Suites at the same time wait for one another. */
export function buildHostNode(dir = join(root, 'firmware/build'), version?: string): Promise<string> {
  if (!built.has(dir)) built.set(dir, build(dir, version))
  return built.get(dir)!
}

async function build(dir: string, version: string | undefined): Promise<string> {
  if (process.env.ESPALIER_NODE_BINARY && version === undefined) return process.env.ESPALIER_NODE_BINARY
  const lock = join(tmpdir(), `espalier-node-build-${process.getuid?.() ?? 0}.lock`)
  const args = [lock, process.execPath, join(root, 'scripts/firmware.mjs'), dir, ...(version ? [version] : [])]
  await promisify(execFile)('flock', args, { cwd: root, maxBuffer: 1 << 24 })
  return join(dir, 'espalier-node')
}

export interface Ready {
  readonly event: 'ready'
  readonly id: string
  readonly pid: number
  readonly boot: number
  readonly version: string
  readonly board: string
  readonly slot: string
  readonly serial?: string
}

export interface HostNode {
  /** Of its first boot. */
  readonly ready: Ready
  /** Every boot of this process so far. */
  readonly boots: readonly Ready[]
  readonly child: ChildProcess
  err(): string
  /** Ends by itself or by a signal: its exit code, null for a signal. */
  readonly gone: Promise<number | null>
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export const startNode = (binary: string, ...flags: string[]): Promise<HostNode> => startNodeIn({}, binary, ...flags)

/** The same with more in its environment. */
export async function startNodeIn(env: Record<string, string>, binary: string, ...flags: string[]): Promise<HostNode> {
  const all = cleanEnv({ ASAN_OPTIONS: 'detect_leaks=0', ...env })
  const child = spawn(binary, flags, { env: all, stdio: ['ignore', 'pipe', 'pipe'] })
  const gone = new Promise<number | null>(done => child.once('exit', code => done(code)))
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', chunk => (errors += chunk))
  const boots: Ready[] = []
  const ready = await new Promise<Ready>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const boot = JSON.parse(line)
      boots.push(boot)
      done(boot)
    })
    gone.then(code => fail(new Error(`espalier-node ended with ${code} before it was ready:\n${errors}`)))
  })
  return {
    ready,
    boots,
    child,
    err: () => errors,
    gone,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal)
      return gone
    },
  }
}

/** A directory for the states and files of one test's nodes, and nodes that are gone with it. */
export async function nodeHouse() {
  const binary = await buildHostNode()
  const dir = await mkdtemp(join(tmpdir(), 'espalier-node-'))
  const nodes: HostNode[] = []
  onTestFinished(async () => {
    await Promise.all(nodes.map(node => node.stop('SIGKILL')))
    await rm(dir, { recursive: true, force: true })
  })
  return {
    dir,
    file: (name: string) => join(dir, name),
    async write(name: string, text: string) {
      await writeFile(join(dir, name), text, { mode: 0o600 })
      return join(dir, name)
    },
    async lines(name: string): Promise<any[]> {
      const text = existsSync(join(dir, name)) ? await readFile(join(dir, name), 'utf8') : ''
      return text
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line))
    },
    /** `id` is also the name of its state directory. */
    async node(id: string, broker: string, ...flags: string[]) {
      const started = await startNode(binary, '--id', id, '--broker', broker, '--state', join(dir, id), ...flags)
      nodes.push(started)
      return started
    },
    async start(...flags: string[]) {
      const started = await startNode(binary, ...flags)
      nodes.push(started)
      return started
    },
    async startIn(env: Record<string, string>, ...flags: string[]) {
      const started = await startNodeIn(env, binary, ...flags)
      nodes.push(started)
      return started
    },
  }
}
