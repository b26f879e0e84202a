import type { ProvisioningDocument } from '../../contract/provisioning.ts'
import { CliError, exits } from '../errors.ts'
import type { SerialPort } from './port.ts'

/** Talks to a board over its cable: a request is one line of JSON, and so is its answer, which has `ok`. Everything else that comes
 *  (the boot loader, the board's log) is passed over. A request may hold secrets, and none of it is ever said again. */
export interface BoardStatus {
  readonly id: string | null
  /** waiting (to be provisioned), network, time, broker, running. */
  readonly state: string
  readonly board: string
  readonly version: string
  readonly broker?: string
  readonly ip?: string
  readonly trying?: boolean
  readonly trouble?: string
}

export interface Dialogue {
  /** Asks until the board answers: opening the port may have restarted it. */
  status(withinMs: number): Promise<BoardStatus>
  /** Once. Refused: exit 3. */
  provision(document: ProvisioningDocument): Promise<void>
  close(): Promise<void>
}

type Answer = { readonly ok: boolean; readonly error?: string; readonly detail?: string; readonly status?: BoardStatus }

const longestLine = 4096
const askEveryMs = 1_000
const answerMs = 5_000

export function openDialogue(port: SerialPort, path: string, ended: AbortSignal): Dialogue {
  let rest = ''
  let hear: ((answer: Answer) => void) | null = null
  port.onText(text => {
    const lines = (rest + text).split(/[\r\n]+/)
    rest = (lines.pop() ?? '').slice(-longestLine)
    for (const line of lines) {
      const answer = answerIn(line)
      if (answer !== null) hear?.(answer)
    }
  })

  /** The next answer that `wanted` takes; null: none came in time. */
  async function ask(line: string, ms: number, wanted: (answer: Answer) => boolean): Promise<Answer | null> {
    const answered = new Promise<Answer | null>(done => {
      const end = (answer: Answer | null): void => {
        hear = null
        clearTimeout(timer)
        ended.removeEventListener('abort', stop)
        done(answer)
      }
      const stop = (): void => end(null)
      const timer = setTimeout(stop, ms)
      ended.addEventListener('abort', stop, { once: true })
      hear = answer => void (wanted(answer) && end(answer))
    })
    // An empty line first: what noise left behind is no part of ours.
    await port.write(`\n${line}\n`)
    return await answered
  }

  return {
    async status(withinMs) {
      for (let left = withinMs; left > 0 && !ended.aborted; left -= askEveryMs) {
        const answer = await ask('{"status":true}', Math.min(askEveryMs, left), ({ status }) => status !== undefined)
        if (answer?.status !== undefined) return answer.status
      }
      throw new CliError(
        exits.timedOut,
        'no_answer',
        `nothing on ${path} answers as a board with our firmware`,
        'press its reset button, and close every other program that has the port open',
        'flash it first: espalier node flash ID --port PATH',
      )
    },
    async provision(document) {
      const answer = await ask(JSON.stringify({ provision: document }), answerMs, ({ status }) => status === undefined)
      if (answer?.ok) return
      if (answer === null)
        throw new CliError(
          exits.timedOut,
          'no_answer',
          'the board did not say whether it took the settings',
          'the same command again',
        )
      throw new CliError(
        exits.refused,
        answer.error ?? 'refused',
        `the board did not take it: ${answer.detail ?? answer.error ?? 'no reason'}`,
      )
    },
    close: () => port.close(),
  }
}

function answerIn(line: string): Answer | null {
  const start = line.indexOf('{"ok":')
  if (start < 0) return null
  try {
    // The port is read byte by byte (latin1), a line is UTF-8.
    return JSON.parse(Buffer.from(line.slice(start), 'latin1').toString()) as Answer
  } catch {
    return null
  }
}
