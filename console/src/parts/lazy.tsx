import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Waiting } from './waiting.tsx'

/** A page that is fetched when it is first opened, or before, when the browser has nothing to do. */
export interface LazyPage {
  (): preact.JSX.Element
  readonly fetchNow: () => void
}

export function lazy(load: () => Promise<ComponentType>): LazyPage {
  let fetched: ComponentType | null = null
  const get = () => load().then(page => (fetched = page))
  const Page = () => {
    const [, redraw] = useState(0)
    const [failed, setFailed] = useState(false)
    useEffect(() => {
      if (!fetched)
        get().then(
          () => redraw(n => n + 1),
          () => setFailed(true),
        )
    }, [])
    if (fetched) {
      const Fetched = fetched
      return <Fetched />
    }
    return failed ? <Failed /> : <Waiting rows={6} />
  }
  return Object.assign(Page, { fetchNow: () => void get().catch(() => undefined) })
}

function Failed() {
  return (
    <div class="panel empty">
      <h1>This page could not be fetched</h1>
      <p>Espalier does not answer, or it was updated under this page. Once it answers, load the page again.</p>
      <p>
        <button type="button" class="primary" onClick={() => location.reload()}>
          Load again
        </button>
      </p>
    </div>
  )
}
