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
    if (code !== undefined && /^E[A-Z]+$/.test(code)) return new CliError(exits.usage, code.toLowerCase(), error.message)
    return new CliError(exits.internal, 'internal', error.stack ?? error.message)
  }
  return new CliError(exits.internal, 'internal', String(error))
}

function refusedByServer(error: ApiFailure): CliError {
  const { status, problem } = error
  const code = problem.type.startsWith('urn:espalier:problem:') ? problem.type.slice(21) : `http_${status}`
  const places = (problem.errors ?? []).map(p => `\n  ${p.path}: ${p.message}${p.allowed ? `; allowed: ${p.allowed}` : ''}`)
  return new CliError(exitOf(status), code, error.message + places.join(''), ...adviceFor(status))
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

function adviceFor(status: number): string[] {
  if (status === 401)
    return ['the token is read from ESPALIER_TOKEN, ESPALIER_TOKEN_FILE or DATA/token; is --data the directory of this server?']
  if (status === 404) return ['espalier nodes, espalier commands']
  return []
}
