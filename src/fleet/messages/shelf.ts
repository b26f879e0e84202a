import type { MessageView } from '../../api/messages.ts'

/** A message and its place among all: what is told again moves to the front, under the id it has. */
export interface Shelved {
  readonly order: number
  readonly view: MessageView
}

/** The last messages of one sort, by key; the oldest goes first. */
export class Shelf {
  private readonly bound: number
  private readonly byKey = new Map<string, Shelved>()

  constructor(bound: number) {
    this.bound = bound
  }

  get(key: string): Shelved | undefined {
    return this.byKey.get(key)
  }

  put(key: string, shelved: Shelved): void {
    this.byKey.delete(key)
    this.byKey.set(key, shelved)
    if (this.byKey.size > this.bound) this.byKey.delete(this.byKey.keys().next().value as string)
  }

  all(): IterableIterator<Shelved> {
    return this.byKey.values()
  }
}
