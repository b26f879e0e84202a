import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RunInfo } from '../src/api/run.ts'

/** The real command as the stories and faults use it: `dist/cli/main.js` in processes of its own, on free ports, in a temporary
 *  data directory. ESPALIER_NODE chooses another Node (the stories run on 20 and on 24). */
export const nodeBinary = process.env.ESPALIER_NODE ?? process.execPath
const root = process.env.ESPALIER_REPO ?? fileURLToPath(new URL('..', import.meta.url))
export const mainFile = join(root, 'dist/cli/main.js')

/** Which broker `up` has: its own, or a mosquitto that the stories start beside it (test/stories/mosquitto). */
export const brokerOfStories = process.env.ESPALIER_TEST_BROKER === 'mosquitto' ? 'mosquitto' : 'embedded'

const mosquittos = new Map<string, Promise<{ port: number; stop(): Promise<void> }>>()
if (brokerOfStories === 'mosquitto') {
  const { afterAll } = await import('vitest') // scripts use this file, too
  afterAll(async () => {
    for (const started of mosquittos.values()) await (await started).stop()
  })
}

/** One for each data directory: it outlives a restart of `up`. */
async function mosquittoFor(data: string): Promise<string> {
  const { startMosquitto } = await import('./broker/mosquitto.ts')
  if (!mosquittos.has(data)) mosquittos.set(data, startMosquitto(['max_inflight_messages 1000', 'max_queued_messages 100000']))
  return `mqtt://127.0.0.1:${(await mosquittos.get(data)!).port}`
}

export interface CliResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** stdout as JSON. */
  json<T = any>(): T
  /** stdout as JSON lines. */
  lines<T = any>(): T[]
}

/** The environment without anything of the machine's own Espalier. */
export const cleanEnv = (extra: Record<string, string> = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('ESPALIER_'))),
  NO_COLOR: '1',
  ...extra,
})

export async function temporaryData(): Promise<{ dir: string; remove(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'espalier-'))
  return { dir, remove: () => rm(dir, { recursive: true, force: true, maxRetries: 5 }) }
}

/** Runs the command to its end. */
export async function cli(
  args: readonly string[],
  options: { data?: string; env?: Record<string, string>; input?: string } = {},
): Promise<CliResult> {
  const all = options.data ? [...args, '--data', options.data] : [...args]
  const child = spawn(nodeBinary, [mainFile, ...all], { env: cleanEnv(options.env), stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.end(options.input ?? '')
  const [stdout, stderr, code] = await Promise.all([read(child.stdout), read(child.stderr), exitOf(child)])
  return {
    code,
    stdout,
    stderr,
    json: () => JSON.parse(stdout),
    lines: () =>
      stdout
        .split('\n')
        .filter(line => line !== '')
        .map(line => JSON.parse(line)),
  }
}

export interface Up {
  readonly data: string
  readonly run: RunInfo
  readonly url: string
  readonly token: string
  readonly pid: number
  /** Everything it wrote to stderr so far. */
  stderr(): string
  cli(...args: string[]): Promise<CliResult>
  /** GET (or another method) with the token; answers with status and JSON. */
  api<T = any>(path: string, init?: RequestInit): Promise<{ status: number; body: T; headers: Headers }>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number>
  /** SIGKILL, and gone. */
  kill(): Promise<void>
}

/** Starts `espalier up --json` on free ports and waits for its `ready` line. */
export const up = (data: string, ...flags: string[]): Promise<Up> => upWith({}, data, ...flags)

/** The same with more in its environment. */
export async function upWith(env: Record<string, string>, data: string, ...flags: string[]): Promise<Up> {
  const args = ['up', '--json', '--data', data]
  for (const [flag, value] of [
    ['--mqtt-port', '0'],
    ['--http-port', '0'],
    ['--sim', '0'],
  ] as const)
    if (!flags.includes(flag)) args.push(flag, value)
  if (brokerOfStories === 'mosquitto' && !flags.includes('--broker')) args.push('--broker', await mosquittoFor(data))
  const child = spawn(nodeBinary, [mainFile, ...args, ...flags], { env: cleanEnv(env), stdio: ['ignore', 'pipe', 'pipe'] })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', chunk => (errors += chunk))
  const gone = exitOf(child)
  const run = await new Promise<RunInfo>((done, fail) => {
    createInterface({ input: child.stdout }).on('line', line => {
      const message = JSON.parse(line)
      if (message.event === 'ready') done(message)
    })
    gone.then(code => fail(new Error(`up ended with ${code} before it was ready:\n${errors}`)))
  })
  const token = (await readFile(join(data, 'token'), 'utf8')).trim()
  const url = `http://${run.http.host}:${run.http.port}`
  return {
    data,
    run,
    url,
    token,
    pid: child.pid!,
    stderr: () => errors,
    cli: (...args) => cli(args, { data }),
    async api(path, init = {}) {
      const response = await fetch(url + path, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })
      const text = await response.text()
      const json = (response.headers.get('content-type') ?? '').includes('json')
      return { status: response.status, body: json && text ? JSON.parse(text) : text, headers: response.headers }
    },
    stop: async () => {
      child.kill('SIGTERM')
      return gone
    },
    kill: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function read(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** The exit code; 128 when a signal ended it. */
const exitOf = (child: ChildProcess): Promise<number> =>
  new Promise(done => child.once('exit', (code, signal) => done(signal ? 128 : (code ?? 1))))

/** Asks until the answer is not undefined; the wait between two questions is the poll, never a guess of how long it takes. */
export async function until<T>(what: string, ask: () => Promise<T | undefined>, limitMs = 30_000): Promise<T> {
  const deadline = performance.now() + limitMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > deadline) throw new Error(`never came: ${what}`)
    await new Promise(done => setTimeout(done, 20))
  }
}
