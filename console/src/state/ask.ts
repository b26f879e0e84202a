import { useEffect, useState } from 'preact/hooks'
import { connections } from './connection.ts'

/** An answer of the server that a page lives on: kept while it is asked again, so that nothing flickers. */
export interface Answer<T> {
  readonly value: T | null
  readonly error: unknown
  readonly reload: () => void
}

/** Asks when the page opens, when what it depends on changes, after each reconnection, and every so many milliseconds. */
export function useAnswer<T>(ask: () => Promise<T>, dependsOn: readonly unknown[], everyMs?: number): Answer<T> {
  const [state, setState] = useState<{ value: T | null; error: unknown }>({ value: null, error: null })
  const [asked, setAsked] = useState(0)
  const connection = connections.value
  useEffect(() => {
    let ended = false
    const run = () =>
      void ask().then(
        value => !ended && setState({ value, error: null }),
        error => !ended && setState(before => ({ ...before, error })),
      )
    run()
    const timer = everyMs === undefined ? undefined : setInterval(run, everyMs)
    return () => {
      ended = true
      clearInterval(timer)
    }
  }, [...dependsOn, asked, connection])
  return { ...state, reload: () => setAsked(n => n + 1) }
}

/** Whether all have come, or failed. A page is shown whole then: what comes later would push what is read already. */
export const arrived = (...answers: readonly Answer<unknown>[]): boolean =>
  answers.every(({ value, error }) => value !== null || error !== null)

/** Something a person sets off: whether it runs, and what went wrong. */
export interface Act {
  readonly busy: boolean
  readonly error: unknown
  readonly run: <T>(work: () => Promise<T>) => Promise<T | undefined>
}

export function useAct(): Act {
  const [state, setState] = useState<{ busy: boolean; error: unknown }>({ busy: false, error: null })
  const run = async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    setState({ busy: true, error: null })
    try {
      const value = await work()
      setState({ busy: false, error: null })
      return value
    } catch (error) {
      setState({ busy: false, error })
      return undefined
    }
  }
  return { ...state, run }
}
