/** Why a manager could not start, for the CLI to explain and to exit with. */

/** Another process holds the data directory (exit 8). */
export class DataInUse extends Error {
  readonly data: string
  constructor(data: string) {
    super(`the data directory ${data} is in use`)
    this.data = data
  }
}

/** A listener's address can't be had (exit 2): taken, not allowed, or not of this machine. */
export class PortTaken extends Error {
  readonly host: string
  readonly port: number
  readonly flag: string
  /** The system's code: EADDRINUSE, EACCES, EADDRNOTAVAIL. */
  readonly code: string
  constructor(host: string, port: number, flag: string, code: string) {
    super(`${host}:${port} can't be listened on (${code})`)
    this.host = host
    this.port = port
    this.flag = flag
    this.code = code
  }
}

/** `--sim-real` without the program that it runs (exit 2). */
export class NoNodeProgram extends Error {
  readonly program: string
  constructor(program: string) {
    super(`there is no ${program}`)
    this.program = program
  }
}

/** An address that would let strangers in without credentials (exit 2). */
export class NotLoopback extends Error {
  readonly host: string
  readonly flag: string
  constructor(host: string, flag: string) {
    super(`${flag} ${host} is not a loopback address`)
    this.host = host
    this.flag = flag
  }
}

/** Runs `listen` and names the flag when this address can't be had; `listen` may open others too. */
export async function listening<T>(flag: string, host: string, port: number, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen()
  } catch (error) {
    if (error instanceof PortTaken) throw error // named already, by the one whose address it is
    const { code, port: refused = port } = error as NodeJS.ErrnoException & { port?: number }
    if (refused !== port) throw error
    if (code === 'EADDRINUSE' || code === 'EACCES' || code === 'EADDRNOTAVAIL') throw new PortTaken(host, port, flag, code)
    throw error
  }
}

export const isLoopback = (host: string): boolean => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
