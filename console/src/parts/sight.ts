/** Tells elements of a long list that they came into sight or left it. A fast scroll passes hundreds in a second: a few a frame are told,
 *  and one that has left again before its turn is never drawn. */
const aFrame = 4

interface Watched {
  readonly tell: (seen: boolean) => void
  told: boolean
  seen: boolean
}

const watched = new Map<Element, Watched>()
const changed = new Set<Watched>()
let scheduled = false

// Half a screen ahead, so that scrolling meets full cards.
const sight = new IntersectionObserver(take, { rootMargin: '50% 0px' })

/** `told`: what the element is drawn as now. Ends with the returned function. */
export function watchSight(element: Element, told: boolean, tell: (seen: boolean) => void): () => void {
  watched.set(element, { tell, told, seen: told })
  sight.observe(element)
  return () => {
    sight.unobserve(element)
    changed.delete(watched.get(element)!)
    watched.delete(element)
  }
}

function take(entries: readonly IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting, boundingClientRect } of entries) {
    const one = watched.get(target)
    if (!one) continue
    one.seen = isIntersecting
    // An empty frame keeps its height, so that nothing jumps.
    ;(target as HTMLElement).style.minHeight = isIntersecting ? '' : `${boundingClientRect.height}px`
    if (one.seen === one.told) changed.delete(one)
    else changed.add(one)
  }
  schedule()
}

function schedule(): void {
  if (scheduled || changed.size === 0) return
  scheduled = true
  requestAnimationFrame(tellSome)
}

function tellSome(): void {
  scheduled = false
  let left = aFrame
  for (const one of changed) {
    if (left-- === 0) break
    changed.delete(one)
    one.told = one.seen
    one.tell(one.seen)
  }
  schedule()
}
