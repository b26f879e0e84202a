import { signal } from '@preact/signals'

/** A sentence that appears for a while: something happened that whoever looks elsewhere should know. */
export interface Notice {
  readonly key: number
  readonly text: string
  readonly to?: string
}

export const notices = signal<readonly Notice[]>([])

const shownMs = 20_000
const atOnce = 3
let next = 1

export function tell(text: string, to?: string): void {
  const notice: Notice = { key: next++, text, ...(to !== undefined && { to }) }
  notices.value = [...notices.peek(), notice].slice(-atOnce)
  setTimeout(() => dismiss(notice.key), shownMs)
}

export const dismiss = (key: number): void => {
  notices.value = notices.peek().filter(one => one.key !== key)
}
