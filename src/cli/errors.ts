/** Exit codes, fixed (they stand in `espalier --help`). */
export const exits = {
  done: 0,
  internal: 1,
  usage: 2,
  refused: 3,
  timedOut: 4,
  unreachable: 5,
  notFound: 6,
  problems: 7,
  dataInUse: 8,
} as const
export type Exit = (typeof exits)[keyof typeof exits]

export const exitHelp = `Exit codes:
  0 done                                 5 server unreachable or token refused
  1 internal error                       6 no such thing
  2 usage or bad input                   7 a check found problems
  3 refused or failed by the node        8 data directory in use
  4 timed out, expired, unknown`

/** A failure as people read it: `error CODE: what` and, below it, what to try. */
export class CliError extends Error {
  readonly exit: Exit
  readonly code: string
  readonly advice: readonly string[]
  constructor(exit: Exit, code: string, what: string, ...advice: string[]) {
    super(what)
    this.name = 'CliError'
    this.exit = exit
    this.code = code
    this.advice = advice
  }
}

export function badInput(what: string, allowed: string, ...advice: string[]): CliError {
  return new CliError(exits.usage, 'bad_input', `${what}; allowed: ${allowed}`, ...advice)
}

/** The lines of an error on stderr. */
export function errorText(error: CliError): string {
  return [`error ${error.code}: ${error.message}`, ...error.advice.map(line => `  try: ${line}`)].join('\n')
}
