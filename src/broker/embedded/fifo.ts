/** A queue on an array: push at the end, shift at the front, without moving the rest each time (Array.shift does for long ones). */
export class Fifo<T> {
  private items: (T | undefined)[] = []
  private head = 0

  get length(): number {
    return this.items.length - this.head
  }

  push(item: T): void {
    this.items.push(item)
  }

  peek(): T | undefined {
    return this.items[this.head]
  }

  shift(): T | undefined {
    if (this.head >= this.items.length) return undefined
    const item = this.items[this.head]
    this.items[this.head++] = undefined
    if (this.head === this.items.length) {
      this.items.length = 0
      this.head = 0
    } else if (this.head >= 1024 && this.head * 2 >= this.items.length) {
      this.items = this.items.slice(this.head)
      this.head = 0
    }
    return item
  }

  /** Keeps those that pass, in order. */
  filter(keep: (item: T) => boolean): void {
    this.items = this.items.slice(this.head).filter(item => keep(item as T))
    this.head = 0
  }

  each(see: (item: T) => void): void {
    for (let i = this.head; i < this.items.length; i++) see(this.items[i] as T)
  }
}
