import { startAdvice } from './context.ts'
import { CliError, type Exit, exits } from './errors.ts'

/** The names are compared, not the classes: those live in modules that only some commands load. */
interface ApiFailure extends Error {
  readonly status: number
  readonly problem: { readonly type: string; readonly detail: string; readonly errors?: readonly Place[] }
}
interface Place {
  readonly path: string
  readonly message: string
  readonly allowed?: string
}

/** Any error → what the CLI says and exits with. */
export function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error
  if (error instanceof Error) {
    if (error.name === 'Unreachable') return new CliError(exits.unreachable, 'unreachable', error.message, ...startAdvice)
    if (error.name === 'ApiError') return refusedByServer(error as ApiFailure)
    const { code } = error as NodeJS.ErrnoException
    if (code !== undefined && /^E[A-Z]+$/.test(code)) return ofSystem(error as NodeJS.ErrnoException)
    return new CliError(exits.internal, 'internal', error.stack ?? error.message)
  }
  return new CliError(exits.internal, 'internal', String(error))
}

/** What the operating system refused, in words: the path, why, what to try. */
function ofSystem(error: NodeJS.ErrnoException): CliError {
  const { code = '', path } = error
  const known = systemFailures[code]
  if (known === undefined || path === undefined) return new CliError(exits.usage, code.toLowerCase(), error.message)
  const [name, what, advice] = known
  return new CliError(exits.usage, name, `${path}: ${what}`, advice)
}

const systemFailures: Readonly<Record<string, readonly [code: string, what: string, advice: string]>> = {
  ENOENT: ['no_such_file', 'there is no such file or folder', 'is the name right? A folder in it must be there'],
  EACCES: ['no_permission', 'this user may not do that', 'another path, or the permissions of this one (ls -ld)'],
  EPERM: ['no_permission', 'this user may not do that', 'another path, or the permissions of this one (ls -ld)'],
  EROFS: ['read_only', 'the disk is mounted read-only', 'another path'],
  EEXIST: ['not_a_folder', 'is a file where a folder is needed', 'another path'],
  ENOTDIR: ['not_a_folder', 'a part of it is a file where a folder is needed', 'another path'],
  EISDIR: ['not_a_file', 'is a folder where a file is needed', 'the name of a file in it'],
  ENOSPC: ['disk_full', 'the disk is full', 'another path, or make room (df -h)'],
}

function refusedByServer(error: ApiFailure): CliError {
  const { status, problem } = error
  const code = problem.type.startsWith('urn:espalier:problem:') ? problem.type.slice(21) : `http_${status}`
  const places = (problem.errors ?? [])
    .filter(p => !(error.message.includes(p.path) && error.message.includes(p.message))) // said already
    .map(p => `\n  ${p.path}: ${p.message}${p.allowed ? `; allowed: ${p.allowed}` : ''}`)
  const what = error.message.replace(forPrograms, '')
  return new CliError(exitOf(status), code, what + places.join(''), ...adviceFor(status, what))
}

function exitOf(status: number): Exit {
  switch (status) {
    case 401:
    case 403:
    case 503:
      return exits.unreachable
    case 404:
      return exits.notFound
    case 409:
    case 429:
      return exits.refused
    default:
      return status >= 500 ? exits.internal : exits.usage
  }
}

/** What the server says to those who speak HTTP; people have a command for it. */
const forPrograms = /; GET \/api\/nodes lists those there are$/

function adviceFor(status: number, what: string): string[] {
  if (status === 401)
    return ['the token is read from ESPALIER_TOKEN, ESPALIER_TOKEN_FILE or DATA/token; is --data the directory of this server?']
  if (status === 404 && /\bnode\b/.test(what)) return ['espalier nodes']
  if (status === 404 && /\bcommand\b/.test(what)) return ['espalier commands']
  return []
}
