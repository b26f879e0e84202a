import type { Log } from './log.ts'

/** Runs `work` every `ms`, the first time after `ms`, until the returned stop is called; one at a time, a failure is logged and the next turn comes. */
export function every(ms: number, work: () => Promise<unknown>, log: Log): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running = Promise.resolve()
  const turn = async (): Promise<void> => {
    await work().catch(error => log.error(error, 'a regular task failed'))
    if (!stopped) wait()
  }
  const wait = (): void => {
    timer = setTimeout(() => {
      running = turn()
    }, ms)
  }
  wait()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}

/** How long the closing of everything may be held up by the first that hangs, and then by each further one: a dozen of them end
 *  within 4 s (interface.md: a stop takes 5 s at most). */
const patienceMs = 2_500
const impatienceMs = 100

/** Calls them one after the other, each when the one before has ended. On a disk that is full or hangs some never do: those are left
 *  behind, and from the first of them on nobody is waited for long. */
export async function closeInTurn(closers: readonly (() => Promise<unknown>)[], log: Log): Promise<void> {
  let waitMs = patienceMs
  for (const close of closers) {
    const closed = close().catch(error => log.error(error, 'closing'))
    if (await endsWithin(waitMs, closed)) continue
    if (waitMs === patienceMs) log.warn('not everything can be closed; what was not acknowledged stays with its sender')
    waitMs = impatienceMs
  }
}

/** Did it end in time? It goes on either way. */
export async function endsWithin(ms: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(done => {
    timer = setTimeout(() => done(false), ms)
  })
  const ended = await Promise.race([work.then(() => true), late])
  clearTimeout(timer)
  return ended
}
