import type { Log } from './log.ts'

/** Runs `work` now and then every `ms` until the returned stop is called; one at a time, a failure is logged and the next turn comes. */
export function every(ms: number, work: () => Promise<unknown>, log: Log): () => Promise<void> {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void>
  const turn = async (): Promise<void> => {
    await work().catch(error => log.error(error, 'a regular task failed'))
    if (!stopped) timer = setTimeout(() => (running = turn()), ms)
  }
  running = turn()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}

/** Waits for `work`, but not longer than `ms`: a stop must end although a disk hangs. */
export async function within(ms: number, work: Promise<void>, log: Log): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>(done => {
    timer = setTimeout(() => {
      log.warn(`not everything closed within ${ms} ms; what was not acknowledged stays with its sender`)
      done()
    }, ms)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}
