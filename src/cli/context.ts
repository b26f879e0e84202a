import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Client } from '../api/client.ts'
import type { RunInfo } from '../api/run.ts'
import { CliError, exits } from './errors.ts'
import { type Output, openOutput, type Streams } from './output.ts'

/** What surrounds a command: environment, streams, clocks, an end signal. Handed in, so that tests own it. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly streams: Streams
  nowMs(): number
  /** Asks the person at the terminal; null: there is none. */
  readonly ask: ((question: string) => Promise<string>) | null
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly ended: AbortSignal
}

/** The COMMON flags as commander gives them; they may stand before or after the command. */
export interface CommonFlags {
  readonly data?: string
  readonly config?: string
  readonly url?: string
  readonly json?: boolean
  readonly quiet?: boolean
  /** false: --no-color was given. */
  readonly color?: boolean
}

/** What every command works with. */
export interface Context extends Surroundings {
  readonly flags: CommonFlags
  readonly out: Output
  /** The data directory: --data, ESPALIER_DATA, ./data. */
  readonly data: string
  /** DATA/run.json; undefined when nothing runs there. */
  run(): RunInfo | undefined
  client(): Promise<Client>
}

const set = (text: string | undefined): string | undefined => (text === undefined || text === '' ? undefined : text)

export function openContext(around: Surroundings, flags: CommonFlags): Context {
  const { env } = around
  const json = flags.json === true
  const out = openOutput(around.streams, {
    json,
    quiet: flags.quiet === true,
    colour: around.streams.terminal && !json && flags.color !== false && !set(env.NO_COLOR),
  })
  const data = flags.data ?? set(env.ESPALIER_DATA) ?? 'data'
  const run = (): RunInfo | undefined => readRun(data)
  return {
    ...around,
    flags,
    out,
    data,
    run,
    client: async () => {
      const { createClient } = await import('../api/client.ts')
      const url = await serverUrl(flags, env, run, data)
      return createClient({ url, ...tokenOf(env, data), ...(await fetchFor(url, env, data)) })
    },
  }
}

function readRun(data: string): RunInfo | undefined {
  try {
    return JSON.parse(readFileSync(join(data, 'run.json'), 'utf8')) as RunInfo
  } catch {
    return undefined
  }
}

async function serverUrl(
  flags: CommonFlags,
  env: Surroundings['env'],
  run: () => RunInfo | undefined,
  data: string,
): Promise<string> {
  const given = flags.url ?? set(env.ESPALIER_URL)
  if (given !== undefined) return checkedUrl(given)
  const running = run()
  if (running === undefined)
    throw new CliError(
      exits.unreachable,
      'unreachable',
      `nothing runs in ${data} (there is no ${join(data, 'run.json')})`,
      ...startAdvice,
    )
  const { baseUrl } = await import('../api/address.ts')
  return baseUrl(running.http)
}

/** Only https needs more than Node's own. */
async function fetchFor(url: string, env: Surroundings['env'], data: string): Promise<{ fetch?: typeof fetch }> {
  if (!url.startsWith('https:')) return {}
  const { fetchTrusting, trustedCa } = await import('./https-fetch.ts')
  return { fetch: fetchTrusting(trustedCa(set(env.ESPALIER_CA), data)) }
}

/** What to do when no server answers. */
export const startAdvice: readonly string[] = [
  'is `npm start` running? Start it here, or name another place with --data DIR or --url URL',
]

function checkedUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '')
  throw new CliError(exits.usage, 'bad_input', `--url ${text} is no address; allowed: http://HOST:PORT or https://HOST:PORT`)
}

/** ESPALIER_TOKEN, the file ESPALIER_TOKEN_FILE names, or DATA/token; never from argv, where every user of the machine reads it. */
function tokenOf(env: Surroundings['env'], data: string): { token?: string } {
  const token = secretOf('ESPALIER_TOKEN', env)
  if (token !== undefined) return { token }
  try {
    return { token: readFileSync(join(data, 'token'), 'utf8').trim() }
  } catch {
    return {} // the server says whether it needs one
  }
}

/** A secret X from the environment, or from the file that X_FILE names. */
export function secretOf(name: string, env: Surroundings['env']): string | undefined {
  const value = set(env[name])
  if (value !== undefined) return value
  const file = set(env[`${name}_FILE`])
  return file === undefined ? undefined : readSecret(file, `${name}_FILE`)
}

export function readSecret(file: string, where: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new CliError(exits.usage, 'bad_input', `${where}: ${file} can't be read (${(error as Error).message})`)
  }
}
